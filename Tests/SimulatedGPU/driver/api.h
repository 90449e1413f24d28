// The OpenCL functions that the driver has. Each has the type of the function of the same name in
// CL/cl.h. The loader calls them through a table (dispatch.cpp).
#pragma once

#include "driver/opencl.h"

namespace simulated::api {

// device.cpp
extern decltype(::clGetPlatformIDs) clGetPlatformIDs;
extern decltype(::clGetPlatformInfo) clGetPlatformInfo;
extern decltype(::clGetDeviceIDs) clGetDeviceIDs;
extern decltype(::clGetDeviceInfo) clGetDeviceInfo;
extern decltype(::clRetainDevice) clRetainDevice;
extern decltype(::clReleaseDevice) clReleaseDevice;

// queues.cpp
extern decltype(::clCreateContext) clCreateContext;
extern decltype(::clRetainContext) clRetainContext;
extern decltype(::clReleaseContext) clReleaseContext;
extern decltype(::clGetContextInfo) clGetContextInfo;
extern decltype(::clCreateCommandQueue) clCreateCommandQueue;
extern decltype(::clCreateCommandQueueWithProperties) clCreateCommandQueueWithProperties;
extern decltype(::clRetainCommandQueue) clRetainCommandQueue;
extern decltype(::clReleaseCommandQueue) clReleaseCommandQueue;
extern decltype(::clGetCommandQueueInfo) clGetCommandQueueInfo;
extern decltype(::clFlush) clFlush;
extern decltype(::clFinish) clFinish;
extern decltype(::clEnqueueMarkerWithWaitList) clEnqueueMarkerWithWaitList;
extern decltype(::clEnqueueBarrierWithWaitList) clEnqueueBarrierWithWaitList;

// events.cpp
extern decltype(::clWaitForEvents) clWaitForEvents;
extern decltype(::clGetEventInfo) clGetEventInfo;
extern decltype(::clGetEventProfilingInfo) clGetEventProfilingInfo;
extern decltype(::clRetainEvent) clRetainEvent;
extern decltype(::clReleaseEvent) clReleaseEvent;

// buffers.cpp
extern decltype(::clCreateBuffer) clCreateBuffer;
extern decltype(::clCreateSubBuffer) clCreateSubBuffer;
extern decltype(::clRetainMemObject) clRetainMemObject;
extern decltype(::clReleaseMemObject) clReleaseMemObject;
extern decltype(::clGetMemObjectInfo) clGetMemObjectInfo;

// transfers.cpp
extern decltype(::clEnqueueReadBuffer) clEnqueueReadBuffer;
extern decltype(::clEnqueueWriteBuffer) clEnqueueWriteBuffer;
extern decltype(::clEnqueueCopyBuffer) clEnqueueCopyBuffer;
extern decltype(::clEnqueueFillBuffer) clEnqueueFillBuffer;
extern decltype(::clEnqueueMapBuffer) clEnqueueMapBuffer;
extern decltype(::clEnqueueUnmapMemObject) clEnqueueUnmapMemObject;

// programs.cpp
extern decltype(::clCreateProgramWithSource) clCreateProgramWithSource;
extern decltype(::clCreateProgramWithBinary) clCreateProgramWithBinary;
extern decltype(::clBuildProgram) clBuildProgram;
extern decltype(::clRetainProgram) clRetainProgram;
extern decltype(::clReleaseProgram) clReleaseProgram;
extern decltype(::clGetProgramInfo) clGetProgramInfo;
extern decltype(::clGetProgramBuildInfo) clGetProgramBuildInfo;

// kernels.cpp, launches.cpp
extern decltype(::clCreateKernel) clCreateKernel;
extern decltype(::clRetainKernel) clRetainKernel;
extern decltype(::clReleaseKernel) clReleaseKernel;
extern decltype(::clSetKernelArg) clSetKernelArg;
extern decltype(::clGetKernelInfo) clGetKernelInfo;
extern decltype(::clGetKernelWorkGroupInfo) clGetKernelWorkGroupInfo;
extern decltype(::clEnqueueNDRangeKernel) clEnqueueNDRangeKernel;

}  // namespace simulated::api
