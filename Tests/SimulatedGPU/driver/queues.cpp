// Contexts and queues. One thread runs the commands of all queues, each queue in order.
#include "driver/queues.h"

#include <chrono>
#include <set>
#include <thread>

#include "driver/answer.h"
#include "driver/api.h"
#include "machine/settings.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

struct Worker {
  std::condition_variable_any changed;
  std::set<_cl_command_queue*> queues;
  u64 queueCount = 0;
  CommandClock hostClock;
  CallCounts calls;
  bool hasStarted = false;
  bool isIdle = false;
};

Worker& worker() {
  static auto* const result = new Worker;
  return *result;
}

cl_ulong nanoseconds() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

bool canStart(const _cl_command_queue& queue) {
  if (queue.isBusy || queue.submitted == 0) return false;
  for (const auto& event : queue.commands.front()->waits)
    if (event->status > CL_COMPLETE) return false;
  return true;
}

_cl_command_queue* readyQueue() {
  for (_cl_command_queue* queue : worker().queues)
    if (canStart(*queue)) return queue;
  return nullptr;
}

void runCommands() {
  Hold hold(driverLock());
  while (true) {
    _cl_command_queue* queue = readyQueue();
    worker().isIdle = !queue;
    if (!queue) {
      worker().changed.notify_all();
      worker().changed.wait(hold);
      continue;
    }
    const std::unique_ptr<Command> command(queue->commands.front());
    queue->isBusy = true;
    command->event->status = CL_RUNNING;
    command->event->times[2] = nanoseconds();
    hold.unlock();
    const std::vector<Touch> touches = command->run();
    hold.lock();
    for (const Touch& touch : touches) touch.buffer->history.note(touch, command->place);
    command->run = nullptr;  // releases the buffers
    command->event->times[3] = nanoseconds();
    command->event->status = CL_COMPLETE;
    queue->commands.pop_front();
    --queue->submitted;
    queue->isBusy = false;
    worker().changed.notify_all();
  }
}

}  // namespace

std::recursive_mutex& driverLock() {
  static auto* const result = new std::recursive_mutex;
  return *result;
}

CallCounts& callCounts() { return worker().calls; }

void hostTrouble(const std::string& kind, const std::string& detail) {
  trouble("host: " + kind, detail);
}

void hostHasSeen(const CommandClock& clock) { worker().hostClock.join(clock); }

void submit(cl_command_queue queue) {
  for (size_t i = queue->submitted; i < queue->commands.size(); ++i) {
    _cl_event& event = *queue->commands[i]->event.get();
    event.status = CL_SUBMITTED;
    event.times[1] = nanoseconds();
  }
  queue->submitted = queue->commands.size();
  worker().changed.notify_all();
}

void waitUntil(Hold& hold, const std::function<bool()>& isDone) {
  while (!isDone()) {
    if (worker().isIdle && !readyQueue()) {
      for (_cl_command_queue* queue : worker().queues) {
        if (queue->submitted == queue->commands.size()) continue;
        hostTrouble("waits for a command that was never flushed",
                    queue->commands[queue->submitted]->place.name);
        submit(queue);
      }
    }
    worker().changed.wait_for(hold, std::chrono::milliseconds(50));
  }
}

cl_int enqueue(const Enqueue& call, cl_command_type type, const std::string& name,
               std::function<std::vector<Touch>()> run) {
  if ((call.waitCount == 0) != (call.waitList == nullptr)) {
    hostTrouble("wait list and its length disagree", name);
    return CL_INVALID_EVENT_WAIT_LIST;
  }
  Hold hold(driverLock());
  if (!worker().hasStarted) {
    worker().hasStarted = true;
    std::thread(runCommands).detach();
  }
  _cl_command_queue* queue = call.queue;
  auto* event = new _cl_event;
  event->queue = Reference(queue);
  event->type = type;
  event->times[0] = nanoseconds();
  auto* command = new Command;
  command->event = Reference(event);
  command->run = std::move(run);

  CommandClock& clock = queue->clock;
  clock.join(worker().hostClock);
  for (cl_uint i = 0; i < call.waitCount; ++i) {
    command->waits.emplace_back(call.waitList[i]);
    clock.join(call.waitList[i]->clock);
  }
  const u64 number = clock.at(queue->number) + 1;
  clock.set(queue->number, number);
  command->place = {queue->number, number, clock, name};
  event->clock = clock;

  queue->commands.push_back(command);
  if (!settings().waitsForFlush || call.isBlocking) submit(queue);
  if (call.isBlocking) {
    waitUntil(hold, [&] { return event->status <= CL_COMPLETE; });
    hostHasSeen(event->clock);
  }
  if (call.event)
    *call.event = event;  // the program's reference
  else
    release(event);
  return CL_SUCCESS;
}

}  // namespace simulated

using namespace simulated;

_cl_command_queue::_cl_command_queue(cl_context context, cl_command_queue_properties properties)
    : context(context), properties(properties), number(++worker().queueCount) {
  worker().queues.insert(this);
}

_cl_command_queue::~_cl_command_queue() { worker().queues.erase(this); }

cl_context api::clCreateContext(const cl_context_properties*, cl_uint, const cl_device_id*,
                                void(CL_CALLBACK*)(const char*, const void*, size_t, void*), void*,
                                cl_int* status) {
  const Hold hold(driverLock());
  return given(status, CL_SUCCESS, new _cl_context);
}

cl_int api::clRetainContext(cl_context context) {
  retain(context);
  return CL_SUCCESS;
}

cl_int api::clReleaseContext(cl_context context) {
  release(context);
  return CL_SUCCESS;
}

cl_int api::clGetContextInfo(cl_context, cl_context_info name, size_t size, void* value,
                             size_t* written) {
  const Answer answer{size, value, written};
  if (name == CL_CONTEXT_DEVICES) return answer(theDevice());
  if (name == CL_CONTEXT_NUM_DEVICES) return answer(cl_uint{1});
  return CL_INVALID_VALUE;
}

cl_command_queue api::clCreateCommandQueue(cl_context context, cl_device_id,
                                           cl_command_queue_properties properties, cl_int* status) {
  const Hold hold(driverLock());
  return given(status, CL_SUCCESS, new _cl_command_queue(context, properties));
}

cl_command_queue api::clCreateCommandQueueWithProperties(cl_context context, cl_device_id device,
                                                         const cl_queue_properties* list,
                                                         cl_int* status) {
  cl_command_queue_properties properties = 0;
  for (; list && *list; list += 2)
    if (list[0] == CL_QUEUE_PROPERTIES) properties = list[1];
  return api::clCreateCommandQueue(context, device, properties, status);
}

cl_int api::clRetainCommandQueue(cl_command_queue queue) {
  retain(queue);
  return CL_SUCCESS;
}

// Flushes, as OpenCL demands. The commands hold the queue until they have run.
cl_int api::clReleaseCommandQueue(cl_command_queue queue) {
  const Hold hold(driverLock());
  submit(queue);
  release(queue);
  return CL_SUCCESS;
}

cl_int api::clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info name, size_t size,
                                  void* value, size_t* written) {
  const Answer answer{size, value, written};
  if (name == CL_QUEUE_CONTEXT) return answer(queue->context.get());
  if (name == CL_QUEUE_DEVICE) return answer(theDevice());
  if (name == CL_QUEUE_PROPERTIES) return answer(queue->properties);
  return CL_INVALID_VALUE;
}

cl_int api::clFlush(cl_command_queue queue) {
  const Hold hold(driverLock());
  ++callCounts().flushes;
  submit(queue);
  return CL_SUCCESS;
}

cl_int api::clFinish(cl_command_queue queue) {
  Hold hold(driverLock());
  ++callCounts().finishes;
  submit(queue);
  waitUntil(hold, [&] { return queue->commands.empty(); });
  hostHasSeen(queue->clock);
  return CL_SUCCESS;
}

cl_int api::clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint waitCount,
                                        const cl_event* waitList, cl_event* event) {
  return enqueue({queue, waitCount, waitList, event}, CL_COMMAND_MARKER, "marker",
                 [] { return std::vector<Touch>(); });
}

cl_int api::clEnqueueBarrierWithWaitList(cl_command_queue queue, cl_uint waitCount,
                                         const cl_event* waitList, cl_event* event) {
  return enqueue({queue, waitCount, waitList, event}, CL_COMMAND_BARRIER, "barrier",
                 [] { return std::vector<Touch>(); });
}
