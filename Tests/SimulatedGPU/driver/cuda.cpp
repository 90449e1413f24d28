// CUDA's driver API, as far as the product calls it, on the objects and commands of the OpenCL driver: a
// stream is a queue, a module a program, device memory a buffer. Commands start at once. A graph is a list
// of launches, which cuGraphLaunch enqueues one behind the other.
//
// CUDA's launches do not say which of their arguments are addresses: a number of 8 bytes is one if it lies in
// memory that cuMemAlloc gave, and then stands for all of that memory.
#include <cstdlib>
#include <map>
#include <memory>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/prepare.h"
#include "driver/queues.h"
#include "driver/report.h"
#include "machine/settings.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

using namespace simulated;

namespace {

enum Result {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  notFound = 500,
  invalidPTX = 218,
  unsupportedPTX = 222,
  invalidContext = 201,
  invalidHandle = 400,
  notReady = 600,
  illegalAddress = 700,
  outOfResources = 701,
  notSupported = 801,
  captureUnsupported = 900,
};

struct Captured {
  cl_kernel kernel;
  size_t global[3], local[3];
  std::vector<std::vector<u8>> arguments;
  std::vector<cl_mem> buffers;
};
struct Graph {
  std::vector<Captured> launches;
};
struct Stream {
  cl_command_queue queue;
  std::unique_ptr<Graph> capture;
};
struct EventState {
  bool hasTimes;
  cl_event marker = nullptr;
};
struct Loaded {
  cl_program program;
  std::vector<cl_kernel> kernels;
};

thread_local cl_context current = nullptr;
// Of cuMemAlloc, by their addresses.
std::map<u64, cl_mem>& memory() {
  static auto* const result = new std::map<u64, cl_mem>;
  return *result;
}
u64 launchNumber = 0;
bool hasFaulted = false;

Result resultOf(cl_int status) {
  switch (status) {
    case CL_SUCCESS: return success;
    case CL_OUT_OF_RESOURCES: return outOfResources;
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_INVALID_BUFFER_SIZE: return outOfMemory;
    default: return invalidValue;
  }
}

// Every call fails after a kernel did.
Result guarded() {
  if (hasFaulted) return illegalAddress;
  if (!current) {
    hostTrouble("a call without a context", "");
    return invalidContext;
  }
  return success;
}

#define REQUIRE_CONTEXT() \
  if (const Result fault = guarded()) return fault

// The memory that has an address, or nullptr.
cl_mem bufferAt(u64 address) {
  const Hold hold(driverLock());
  auto next = memory().upper_bound(address);
  if (next == memory().begin()) return nullptr;
  const cl_mem buffer = std::prev(next)->second;
  return address < reinterpret_cast<u64>(buffer->data) + buffer->size ? buffer : nullptr;
}

size_t offsetIn(cl_mem buffer, u64 address) {
  return address - reinterpret_cast<u64>(buffer->data);
}

cl_mem bufferOf(u64 address, const char* call) {
  const cl_mem buffer = bufferAt(address);
  if (!buffer) hostTrouble(std::string(call) + " outside of the device's memory", "");
  return buffer;
}

Result started(cl_command_queue queue, cl_int status) {
  if (status == CL_SUCCESS) api::clFlush(queue);
  return resultOf(status);
}

// Whether the stream is recording, which copies and events are not simulated in.
bool isCapturing(Stream* stream, const char* call) {
  if (!stream->capture) return false;
  hostTrouble(std::string(call) + " in a graph is not simulated", "");
  return true;
}

Result run(Stream* stream, const Captured& launch) {
  if (++launchNumber == settings().faultingLaunch) {
    hasFaulted = true;
    return success;
  }
  const Hold hold(driverLock());
  launch.kernel->arguments = launch.arguments;
  launch.kernel->buffers = launch.buffers;
  return started(stream->queue,
                 api::clEnqueueNDRangeKernel(stream->queue, launch.kernel, 3, nullptr,
                                             launch.global, launch.local, 0, nullptr, nullptr));
}

}  // namespace

EXPORTED int cuInit(unsigned) {
  prepare();
  return success;
}

EXPORTED int cuDriverGetVersion(int* version) {
  prepare();
  *version = static_cast<int>(settings().cudaVersion);
  return success;
}

// NVRTC asks for a table of internal functions, and does without.
EXPORTED int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return notSupported;
}

EXPORTED int cuGetErrorName(int error, const char** text) {
  static const std::map<int, const char*> names = {
      {invalidValue, "CUDA_ERROR_INVALID_VALUE"},
      {outOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
      {invalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
      {invalidPTX, "CUDA_ERROR_INVALID_PTX"},
      {unsupportedPTX, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
      {invalidHandle, "CUDA_ERROR_INVALID_HANDLE"},
      {notFound, "CUDA_ERROR_NOT_FOUND"},
      {notReady, "CUDA_ERROR_NOT_READY"},
      {illegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {outOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
      {captureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
  };
  const auto name = names.find(error);
  *text = name == names.end() ? nullptr : name->second;
  return name == names.end() ? invalidValue : success;
}

EXPORTED int cuDeviceGetCount(int* count) {
  *count = 1;
  return success;
}

EXPORTED int cuDeviceGet(int* device, int number) {
  *device = number;
  return number == 0 ? success : invalidValue;
}

EXPORTED int cuDeviceGetName(char* name, int size, int) {
  std::snprintf(name, size, "%s", settings().name.c_str());
  return success;
}

EXPORTED int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = settings().memoryBytes;
  return success;
}

EXPORTED int cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 13: *value = 1980000; return success;  // clock in kHz
    case 16: *value = static_cast<int>(settings().computeUnits); return success;
    case 33: *value = 1; return success;  // PCI bus and device
    case 34: *value = 0; return success;
    case 75: *value = static_cast<int>(settings().computeCapability / 10); return success;
    case 76: *value = static_cast<int>(settings().computeCapability % 10); return success;
    default: hostTrouble("an attribute that is not simulated", std::to_string(attribute));
  }
  return invalidValue;
}

// ---- contexts and streams ----

EXPORTED int cuCtxCreate_v2(cl_context* context, unsigned, int) {
  if (hasFaulted) return illegalAddress;
  const cl_device_id device = theDevice();
  cl_int status = 0;
  *context = current = api::clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status);
  return resultOf(status);
}

EXPORTED int cuCtxDestroy_v2(cl_context context) {
  if (current == context) current = nullptr;
  return resultOf(api::clReleaseContext(context));
}

EXPORTED int cuCtxSetCurrent(cl_context context) {
  current = context;
  return success;
}

EXPORTED int cuStreamCreate(Stream** stream, unsigned) {
  REQUIRE_CONTEXT();
  cl_int status = 0;
  *stream = new Stream{
      api::clCreateCommandQueue(current, theDevice(), CL_QUEUE_PROFILING_ENABLE, &status), nullptr};
  return resultOf(status);
}

EXPORTED int cuStreamDestroy_v2(Stream* stream) {
  api::clReleaseCommandQueue(stream->queue);
  delete stream;
  return success;
}

EXPORTED int cuStreamSynchronize(Stream* stream) {
  REQUIRE_CONTEXT();
  return resultOf(api::clFinish(stream->queue));
}

EXPORTED int cuStreamWaitEvent(Stream* stream, EventState* event, unsigned) {
  REQUIRE_CONTEXT();
  if (isCapturing(stream, "cuStreamWaitEvent")) return captureUnsupported;
  if (!event->marker) return success;
  return started(stream->queue,
                 api::clEnqueueBarrierWithWaitList(stream->queue, 1, &event->marker, nullptr));
}

// ---- memory ----

EXPORTED int cuMemAlloc_v2(u64* address, size_t bytes) {
  REQUIRE_CONTEXT();
  cl_int status = 0;
  const cl_mem buffer = api::clCreateBuffer(current, CL_MEM_READ_WRITE, bytes, nullptr, &status);
  if (!buffer) return resultOf(status);
  const Hold hold(driverLock());
  *address = reinterpret_cast<u64>(buffer->data);
  memory()[*address] = buffer;
  return success;
}

// CUDA waits for the device before it frees memory.
EXPORTED int cuMemFree_v2(u64 address) {
  const Hold hold(driverLock());
  const auto entry = memory().find(address);
  if (entry == memory().end()) {
    hostTrouble("cuMemFree of what cuMemAlloc did not give", "");
    return invalidValue;
  }
  const cl_mem buffer = entry->second;
  memory().erase(entry);
  return resultOf(api::clReleaseMemObject(buffer));
}

EXPORTED int cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  REQUIRE_CONTEXT();
  *address = std::malloc(bytes);
  return *address ? success : outOfMemory;
}

EXPORTED int cuMemFreeHost(void* address) {
  std::free(address);
  return success;
}

EXPORTED int cuMemcpyHtoDAsync_v2(u64 to, const void* from, size_t bytes, Stream* stream) {
  REQUIRE_CONTEXT();
  const cl_mem buffer = bufferOf(to, "cuMemcpyHtoDAsync");
  if (!buffer || isCapturing(stream, "a copy")) return invalidValue;
  return started(stream->queue,
                 api::clEnqueueWriteBuffer(stream->queue, buffer, CL_FALSE, offsetIn(buffer, to),
                                           bytes, from, 0, nullptr, nullptr));
}

EXPORTED int cuMemcpyDtoHAsync_v2(void* to, u64 from, size_t bytes, Stream* stream) {
  REQUIRE_CONTEXT();
  const cl_mem buffer = bufferOf(from, "cuMemcpyDtoHAsync");
  if (!buffer || isCapturing(stream, "a copy")) return invalidValue;
  return started(stream->queue,
                 api::clEnqueueReadBuffer(stream->queue, buffer, CL_FALSE, offsetIn(buffer, from),
                                          bytes, to, 0, nullptr, nullptr));
}

EXPORTED int cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t bytes, Stream* stream) {
  REQUIRE_CONTEXT();
  const cl_mem target = bufferOf(to, "cuMemcpyDtoDAsync");
  const cl_mem source = bufferOf(from, "cuMemcpyDtoDAsync");
  if (!target || !source || isCapturing(stream, "a copy")) return invalidValue;
  return started(stream->queue,
                 api::clEnqueueCopyBuffer(stream->queue, source, target, offsetIn(source, from),
                                          offsetIn(target, to), bytes, 0, nullptr, nullptr));
}

EXPORTED int cuMemsetD8Async(u64 address, unsigned char byte, size_t bytes, Stream* stream) {
  REQUIRE_CONTEXT();
  const cl_mem buffer = bufferOf(address, "cuMemsetD8Async");
  if (!buffer || isCapturing(stream, "cuMemsetD8Async")) return invalidValue;
  return started(stream->queue,
                 api::clEnqueueFillBuffer(stream->queue, buffer, &byte, 1,
                                          offsetIn(buffer, address), bytes, 0, nullptr, nullptr));
}

// ---- events ----

EXPORTED int cuEventCreate(EventState** event, unsigned flags) {
  REQUIRE_CONTEXT();
  *event = new EventState{!(flags & 2)};
  return success;
}

EXPORTED int cuEventDestroy_v2(EventState* event) {
  if (event->marker) api::clReleaseEvent(event->marker);
  delete event;
  return success;
}

EXPORTED int cuEventRecord(EventState* event, Stream* stream) {
  REQUIRE_CONTEXT();
  if (isCapturing(stream, "cuEventRecord")) return captureUnsupported;
  if (event->marker) api::clReleaseEvent(event->marker);
  event->marker = nullptr;
  return started(stream->queue,
                 api::clEnqueueMarkerWithWaitList(stream->queue, 0, nullptr, &event->marker));
}

EXPORTED int cuEventQuery(EventState* event) {
  REQUIRE_CONTEXT();
  cl_int status = CL_COMPLETE;
  if (event->marker)
    api::clGetEventInfo(event->marker, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status,
                        nullptr);
  return status <= CL_COMPLETE ? success : notReady;
}

EXPORTED int cuEventSynchronize(EventState* event) {
  REQUIRE_CONTEXT();
  return event->marker ? resultOf(api::clWaitForEvents(1, &event->marker)) : success;
}

EXPORTED int cuEventElapsedTime(float* milliseconds, EventState* start, EventState* end) {
  REQUIRE_CONTEXT();
  if (!start->hasTimes || !end->hasTimes || !start->marker || !end->marker) return invalidHandle;
  cl_ulong times[2];
  const cl_event markers[2] = {start->marker, end->marker};
  for (int i = 0; i < 2; ++i)
    if (api::clGetEventProfilingInfo(markers[i], CL_PROFILING_COMMAND_END, sizeof times[i],
                                     &times[i], nullptr) != CL_SUCCESS)
      return notReady;
  *milliseconds = static_cast<float>(1e-6 * (static_cast<double>(times[1]) - times[0]));
  return success;
}

// ---- modules ----

EXPORTED int cuModuleLoadDataEx(Loaded** module, const void* image, unsigned, int*, void**) {
  REQUIRE_CONTEXT();
  const auto* text = static_cast<const unsigned char*>(image);
  const size_t length = std::strlen(static_cast<const char*>(image));
  cl_int status = 0, binaryStatus = 0;
  const cl_program program =
      api::clCreateProgramWithBinary(current, 1, nullptr, &length, &text, &binaryStatus, &status);
  if (!program) return invalidPTX;
  if (api::clBuildProgram(program, 1, nullptr, "", nullptr, nullptr) != CL_SUCCESS) {
    api::clReleaseProgram(program);
    return invalidPTX;
  }
  *module = new Loaded{program, {}};
  return success;
}

EXPORTED int cuModuleUnload(Loaded* module) {
  for (cl_kernel kernel : module->kernels) api::clReleaseKernel(kernel);
  api::clReleaseProgram(module->program);
  delete module;
  return success;
}

EXPORTED int cuModuleGetFunction(cl_kernel* kernel, Loaded* module, const char* name) {
  REQUIRE_CONTEXT();
  cl_int status = 0;
  const Hold hold(driverLock());
  *kernel = api::clCreateKernel(module->program, name, &status);
  if (!*kernel) return notFound;
  module->kernels.push_back(*kernel);
  return success;
}

// ---- launches and graphs ----

EXPORTED int cuLaunchKernel(cl_kernel kernel, unsigned groupsX, unsigned groupsY, unsigned groupsZ,
                            unsigned itemsX, unsigned itemsY, unsigned itemsZ, unsigned shared,
                            Stream* stream, void** arguments, void** extra) {
  REQUIRE_CONTEXT();
  if (shared || extra) {
    hostTrouble("dynamic shared memory and packed arguments are not simulated", kernel->name);
    return invalidValue;
  }
  Captured launch{kernel,
                  {size_t{groupsX} * itemsX, size_t{groupsY} * itemsY, size_t{groupsZ} * itemsZ},
                  {itemsX, itemsY, itemsZ},
                  {},
                  {}};
  for (size_t i = 0; i < kernel->kernel->entry->parameters.size(); ++i) {
    const auto* bytes = static_cast<const u8*>(arguments[i]);
    const u32 count = kernel->kernel->entry->parameters[i].bytes;
    launch.arguments.emplace_back(bytes, bytes + count);
    u64 number = 0;
    if (count == sizeof number) std::memcpy(&number, bytes, count);
    launch.buffers.push_back(number ? bufferAt(number) : nullptr);
  }
  if (!stream->capture) return run(stream, launch);
  stream->capture->launches.push_back(std::move(launch));
  return success;
}

EXPORTED int cuStreamBeginCapture_v2(Stream* stream, int) {
  REQUIRE_CONTEXT();
  stream->capture = std::make_unique<Graph>();
  return success;
}

EXPORTED int cuStreamEndCapture(Stream* stream, Graph** graph) {
  REQUIRE_CONTEXT();
  *graph = stream->capture.release();
  return *graph ? success : invalidValue;
}

EXPORTED int cuGraphDestroy(Graph* graph) {
  delete graph;
  return success;
}

EXPORTED int cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
  REQUIRE_CONTEXT();
  *executable = new Graph(*graph);
  return success;
}

EXPORTED int cuGraphExecDestroy(Graph* executable) {
  delete executable;
  return success;
}

EXPORTED int cuGraphLaunch(Graph* executable, Stream* stream) {
  REQUIRE_CONTEXT();
  for (const Captured& launch : executable->launches)
    if (const Result result = run(stream, launch)) return result;
  return success;
}
