// The table through which the loader calls the driver, and the three functions that it looks up.
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "driver/api.h"
#include "driver/objects.h"
#include "driver/prepare.h"
#include "driver/queues.h"
#include "driver/report.h"
#include "machine/settings.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace simulated {

cl_icd_dispatch dispatchTable;

namespace {

cl_int refuseCall() {
  hostTrouble("a call that is not simulated", "");
  return CL_INVALID_OPERATION;
}

void* refuseObject() {
  refuseCall();
  return nullptr;
}

void* CL_API_CALL noExtension(const char*) { return nullptr; }
void* CL_API_CALL noExtensionOf(cl_platform_id, const char*) { return nullptr; }

// Every entry first refuses; those that give an object give none.
void fillWithRefusals() {
  auto* entries = reinterpret_cast<void**>(&dispatchTable);
  for (size_t i = 0; i < sizeof dispatchTable / sizeof(void*); ++i)
    entries[i] = reinterpret_cast<void*>(refuseCall);
  auto refuse = [](auto& entry) {
    entry = reinterpret_cast<std::decay_t<decltype(entry)>>(refuseObject);
  };
  refuse(dispatchTable.clCreateContextFromType);
  refuse(dispatchTable.clCreateImage);
  refuse(dispatchTable.clCreateImage2D);
  refuse(dispatchTable.clCreateImage3D);
  refuse(dispatchTable.clCreateImageWithProperties);
  refuse(dispatchTable.clCreateBufferWithProperties);
  refuse(dispatchTable.clCreateSampler);
  refuse(dispatchTable.clCreateSamplerWithProperties);
  refuse(dispatchTable.clCreatePipe);
  refuse(dispatchTable.clCreateUserEvent);
  refuse(dispatchTable.clCreateProgramWithBuiltInKernels);
  refuse(dispatchTable.clCreateProgramWithIL);
  refuse(dispatchTable.clLinkProgram);
  refuse(dispatchTable.clCloneKernel);
  refuse(dispatchTable.clEnqueueMapImage);
  refuse(dispatchTable.clSVMAlloc);
}

#define PROVIDE(function) dispatchTable.function = api::function

void fillTable() {
  fillWithRefusals();
  dispatchTable.clGetExtensionFunctionAddress = noExtension;
  dispatchTable.clGetExtensionFunctionAddressForPlatform = noExtensionOf;
  PROVIDE(clGetPlatformIDs);
  PROVIDE(clGetPlatformInfo);
  PROVIDE(clGetDeviceIDs);
  PROVIDE(clGetDeviceInfo);
  PROVIDE(clRetainDevice);
  PROVIDE(clReleaseDevice);
  PROVIDE(clCreateContext);
  PROVIDE(clRetainContext);
  PROVIDE(clReleaseContext);
  PROVIDE(clGetContextInfo);
  PROVIDE(clCreateCommandQueue);
  PROVIDE(clCreateCommandQueueWithProperties);
  PROVIDE(clRetainCommandQueue);
  PROVIDE(clReleaseCommandQueue);
  PROVIDE(clGetCommandQueueInfo);
  PROVIDE(clFlush);
  PROVIDE(clFinish);
  PROVIDE(clEnqueueMarkerWithWaitList);
  PROVIDE(clEnqueueBarrierWithWaitList);
  PROVIDE(clWaitForEvents);
  PROVIDE(clGetEventInfo);
  PROVIDE(clGetEventProfilingInfo);
  PROVIDE(clRetainEvent);
  PROVIDE(clReleaseEvent);
  PROVIDE(clCreateBuffer);
  PROVIDE(clCreateSubBuffer);
  PROVIDE(clRetainMemObject);
  PROVIDE(clReleaseMemObject);
  PROVIDE(clGetMemObjectInfo);
  PROVIDE(clEnqueueReadBuffer);
  PROVIDE(clEnqueueWriteBuffer);
  PROVIDE(clEnqueueCopyBuffer);
  PROVIDE(clEnqueueFillBuffer);
  PROVIDE(clEnqueueMapBuffer);
  PROVIDE(clEnqueueUnmapMemObject);
  PROVIDE(clCreateProgramWithSource);
  PROVIDE(clCreateProgramWithBinary);
  PROVIDE(clBuildProgram);
  PROVIDE(clRetainProgram);
  PROVIDE(clReleaseProgram);
  PROVIDE(clGetProgramInfo);
  PROVIDE(clGetProgramBuildInfo);
  PROVIDE(clCreateKernel);
  PROVIDE(clRetainKernel);
  PROVIDE(clReleaseKernel);
  PROVIDE(clSetKernelArg);
  PROVIDE(clGetKernelInfo);
  PROVIDE(clGetKernelWorkGroupInfo);
  PROVIDE(clEnqueueNDRangeKernel);
}

}  // namespace

void prepare() {
  static std::once_flag once;
  std::call_once(once, [] {
    settings();  // refuses illegal variables at the start
    fillTable();
    std::atexit(writeReport);
  });
}

}  // namespace simulated

EXPORTED cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint capacity, cl_platform_id* platforms,
                                                   cl_uint* count) {
  simulated::prepare();
  return simulated::api::clGetPlatformIDs(capacity, platforms, count);
}

EXPORTED cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info name,
                                              size_t size, void* value, size_t* written) {
  simulated::prepare();
  return simulated::api::clGetPlatformInfo(platform, name, size, value, written);
}

EXPORTED void* CL_API_CALL clGetExtensionFunctionAddress(const char* name) {
  if (std::strcmp(name, "clIcdGetPlatformIDsKHR") == 0)
    return reinterpret_cast<void*>(clIcdGetPlatformIDsKHR);
  if (std::strcmp(name, "clGetPlatformInfo") == 0)
    return reinterpret_cast<void*>(clGetPlatformInfo);
  return nullptr;
}
