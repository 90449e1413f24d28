// Makes one call of the OpenCL driver fail. scripts/check-faults preloads it.
//
// ISOMETRY_FAIL is `launch N` or `buffer N`: the Nth call of clEnqueueNDRangeKernel returns
// CL_OUT_OF_RESOURCES, or the Nth of clCreateBuffer returns no buffer. The number of calls is written to
// the file that ISOMETRY_CALLS names, as `launch N` and `buffer N`.
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long launches, buffers;

// Whether the call of that kind and number is the one that fails.
static int fails(const char *kind, long number) {
  const char *chosen = getenv("ISOMETRY_FAIL");
  size_t length = strlen(kind);
  return chosen && !strncmp(chosen, kind, length) && atol(chosen + length) == number;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint axes,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint count, const cl_event *list, cl_event *event) {
  __typeof__(&clEnqueueNDRangeKernel) next = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
  if (fails("launch", ++launches)) return CL_OUT_OF_RESOURCES;
  return next(queue, kernel, axes, offset, global, local, count, list, event);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                      cl_int *status) {
  __typeof__(&clCreateBuffer) next = dlsym(RTLD_NEXT, "clCreateBuffer");
  if (!fails("buffer", ++buffers)) return next(context, flags, size, host, status);
  if (status) *status = CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return NULL;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("ISOMETRY_CALLS");
  FILE *file = path && launches ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "launch %ld\nbuffer %ld\n", launches, buffers);
  fclose(file);
}
