// Makes one call of the OpenCL driver fail. scripts/check-faults preloads it.
//
// The call that ISOMETRY_FAIL chooses returns the kind's error (fail-calls.h), for example `launch 3`.
//
//   build   clBuildProgram          CL_OUT_OF_HOST_MEMORY
//   buffer  clCreateBuffer          CL_MEM_OBJECT_ALLOCATION_FAILURE
//   launch  clEnqueueNDRangeKernel  CL_OUT_OF_RESOURCES
//   write   clEnqueueWriteBuffer    CL_OUT_OF_RESOURCES
//   read    clEnqueueReadBuffer     CL_OUT_OF_RESOURCES; only reads that the host waits for, since it
//                                   depends on the time how many others there are
//   copy    clEnqueueCopyBuffer     CL_OUT_OF_RESOURCES
//   fill    clEnqueueFillBuffer     CL_OUT_OF_RESOURCES
//   map     clEnqueueMapBuffer      CL_MAP_FAILURE
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

enum kind { BUILD, BUFFER, LAUNCH, WRITE, READ, COPY, FILL, MAP, KINDS };
static const char *const names[KINDS] = {"build", "buffer", "launch", "write",
                                         "read",  "copy",   "fill",   "map"};
#include "fail-calls.h"

// Counts a call. Whether it is the one that fails.
static int fails(enum kind kind) {
  int unused;
  return failures(kind, &unused) == 1;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *data) {
  if (fails(BUILD)) return CL_OUT_OF_HOST_MEMORY;
  return OWN(clBuildProgram)(program, count, devices, options, notify, data);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                      cl_int *status) {
  if (!fails(BUFFER)) return OWN(clCreateBuffer)(context, flags, size, host, status);
  if (status) *status = CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return NULL;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint axes,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint count, const cl_event *list, cl_event *event) {
  if (fails(LAUNCH)) return CL_OUT_OF_RESOURCES;
  return OWN(clEnqueueNDRangeKernel)(queue, kernel, axes, offset, global, local, count, list,
                                     event);
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, size_t offset,
                            size_t size, const void *source, cl_uint count, const cl_event *list,
                            cl_event *event) {
  if (fails(WRITE)) return CL_OUT_OF_RESOURCES;
  return OWN(clEnqueueWriteBuffer)(queue, buffer, waits, offset, size, source, count, list, event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, size_t offset,
                           size_t size, void *destination, cl_uint count, const cl_event *list,
                           cl_event *event) {
  if (waits && fails(READ)) return CL_OUT_OF_RESOURCES;
  return OWN(clEnqueueReadBuffer)(queue, buffer, waits, offset, size, destination, count, list,
                                  event);
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem source, cl_mem destination,
                           size_t source_offset, size_t destination_offset, size_t size,
                           cl_uint count, const cl_event *list, cl_event *event) {
  if (fails(COPY)) return CL_OUT_OF_RESOURCES;
  return OWN(clEnqueueCopyBuffer)(queue, source, destination, source_offset, destination_offset,
                                  size, count, list, event);
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern,
                           size_t pattern_size, size_t offset, size_t size, cl_uint count,
                           const cl_event *list, cl_event *event) {
  if (fails(FILL)) return CL_OUT_OF_RESOURCES;
  return OWN(clEnqueueFillBuffer)(queue, buffer, pattern, pattern_size, offset, size, count, list,
                                  event);
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, cl_map_flags flags,
                         size_t offset, size_t size, cl_uint count, const cl_event *list,
                         cl_event *event, cl_int *status) {
  if (!fails(MAP))
    return OWN(clEnqueueMapBuffer)(queue, buffer, waits, flags, offset, size, count, list, event,
                                   status);
  if (status) *status = CL_MAP_FAILURE;
  return NULL;
}
