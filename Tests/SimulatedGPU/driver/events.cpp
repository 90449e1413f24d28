// Events: waiting, status and times.
#include "driver/answer.h"
#include "driver/api.h"
#include "driver/queues.h"

using namespace simulated;

cl_int api::clWaitForEvents(cl_uint count, const cl_event* events) {
  Hold hold(driverLock());
  ++callCounts().waits;
  for (cl_uint i = 0; i < count; ++i) {
    _cl_event* event = events[i];
    if (event->status > CL_SUBMITTED) submit(event->queue.get());
    waitUntil(hold, [&] { return event->status <= CL_COMPLETE; });
    hostHasSeen(event->clock);
  }
  return CL_SUCCESS;
}

cl_int api::clGetEventInfo(cl_event event, cl_event_info name, size_t size, void* value,
                           size_t* written) {
  const Hold hold(driverLock());
  const Answer answer{size, value, written};
  if (name == CL_EVENT_COMMAND_QUEUE) return answer(event->queue.get());
  if (name == CL_EVENT_COMMAND_TYPE) return answer(event->type);
  if (name != CL_EVENT_COMMAND_EXECUTION_STATUS) return CL_INVALID_VALUE;
  if (event->status == CL_COMPLETE) hostHasSeen(event->clock);
  return answer(event->status);
}

cl_int api::clGetEventProfilingInfo(cl_event event, cl_profiling_info name, size_t size,
                                    void* value, size_t* written) {
  const Hold hold(driverLock());
  if (!(event->queue->properties & CL_QUEUE_PROFILING_ENABLE) || event->status != CL_COMPLETE)
    return CL_PROFILING_INFO_NOT_AVAILABLE;
  if (name < CL_PROFILING_COMMAND_QUEUED || name > CL_PROFILING_COMMAND_END)
    return CL_INVALID_VALUE;
  return Answer{size, value, written}(event->times[name - CL_PROFILING_COMMAND_QUEUED]);
}

cl_int api::clRetainEvent(cl_event event) {
  retain(event);
  return CL_SUCCESS;
}

cl_int api::clReleaseEvent(cl_event event) {
  release(event);
  return CL_SUCCESS;
}
