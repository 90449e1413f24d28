// Makes one call of the OpenCL driver fail. scripts/check-faults preloads it.
//
// ISOMETRY_FAIL is a kind of call and a number, such as `launch 3`: that call returns the kind's error. The
// number of calls of each kind is written to the file that ISOMETRY_CALLS names, as `launch 120`.
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
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { BUILD, BUFFER, LAUNCH, WRITE, READ, COPY, FILL, MAP, KINDS };
static const char *const names[KINDS] = {"build", "buffer", "launch", "write",
                                         "read",  "copy",   "fill",   "map"};
static atomic_long calls[KINDS];

// Counts a call. Whether it is the one that fails.
static int fails(enum kind kind) {
  const long number = ++calls[kind];
  const char *chosen = getenv("ISOMETRY_FAIL");
  const size_t length = strlen(names[kind]);
  return chosen && !strncmp(chosen, names[kind], length) && atol(chosen + length) == number;
}

// The driver's own function of that name.
#define DRIVERS(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *data) {
  if (fails(BUILD)) return CL_OUT_OF_HOST_MEMORY;
  return DRIVERS(clBuildProgram)(program, count, devices, options, notify, data);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                      cl_int *status) {
  if (!fails(BUFFER)) return DRIVERS(clCreateBuffer)(context, flags, size, host, status);
  if (status) *status = CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return NULL;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint axes,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint count, const cl_event *list, cl_event *event) {
  if (fails(LAUNCH)) return CL_OUT_OF_RESOURCES;
  return DRIVERS(clEnqueueNDRangeKernel)(queue, kernel, axes, offset, global, local, count, list,
                                         event);
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, size_t offset,
                            size_t size, const void *source, cl_uint count, const cl_event *list,
                            cl_event *event) {
  if (fails(WRITE)) return CL_OUT_OF_RESOURCES;
  return DRIVERS(clEnqueueWriteBuffer)(queue, buffer, waits, offset, size, source, count, list,
                                       event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, size_t offset,
                           size_t size, void *destination, cl_uint count, const cl_event *list,
                           cl_event *event) {
  if (waits && fails(READ)) return CL_OUT_OF_RESOURCES;
  return DRIVERS(clEnqueueReadBuffer)(queue, buffer, waits, offset, size, destination, count, list,
                                      event);
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem source, cl_mem destination,
                           size_t source_offset, size_t destination_offset, size_t size,
                           cl_uint count, const cl_event *list, cl_event *event) {
  if (fails(COPY)) return CL_OUT_OF_RESOURCES;
  return DRIVERS(clEnqueueCopyBuffer)(queue, source, destination, source_offset, destination_offset,
                                      size, count, list, event);
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern,
                           size_t pattern_size, size_t offset, size_t size, cl_uint count,
                           const cl_event *list, cl_event *event) {
  if (fails(FILL)) return CL_OUT_OF_RESOURCES;
  return DRIVERS(clEnqueueFillBuffer)(queue, buffer, pattern, pattern_size, offset, size, count,
                                      list, event);
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, cl_map_flags flags,
                         size_t offset, size_t size, cl_uint count, const cl_event *list,
                         cl_event *event, cl_int *status) {
  if (!fails(MAP))
    return DRIVERS(clEnqueueMapBuffer)(queue, buffer, waits, flags, offset, size, count, list,
                                       event, status);
  if (status) *status = CL_MAP_FAILURE;
  return NULL;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("ISOMETRY_CALLS");
  FILE *file = path && calls[LAUNCH] ? fopen(path, "w") : NULL;
  if (!file) return;
  for (int kind = 0; kind < KINDS; ++kind) fprintf(file, "%s %ld\n", names[kind], calls[kind]);
  fclose(file);
}
