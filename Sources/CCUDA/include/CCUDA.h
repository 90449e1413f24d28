#pragma once
// CUDA's driver API and NVRTC, as far as the package uses them, after NVIDIA's public documentation. Both
// libraries are loaded by isometry_cuda_load and isometry_nvrtc_load: building needs neither.
#include <stddef.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  ISOMETRY_CUDA_SUCCESS = 0,
  ISOMETRY_CUDA_NO_DEVICE = 100,
  ISOMETRY_CUDA_UNSUPPORTED_PTX = 222,
  ISOMETRY_CUDA_NOT_READY = 600,
};
// CUdevice_attribute.
enum {
  ISOMETRY_CUDA_CLOCK_KILOHERTZ = 13,
  ISOMETRY_CUDA_MULTIPROCESSORS = 16,
  ISOMETRY_CUDA_PCI_BUS = 33,
  ISOMETRY_CUDA_PCI_DEVICE = 34,
  ISOMETRY_CUDA_CAPABILITY_MAJOR = 75,
  ISOMETRY_CUDA_CAPABILITY_MINOR = 76,
};
// Flags of cuStreamCreate, cuEventCreate and cuStreamBeginCapture.
enum {
  ISOMETRY_CUDA_STREAM_NON_BLOCKING = 1,
  ISOMETRY_CUDA_EVENT_DEFAULT = 0,
  ISOMETRY_CUDA_EVENT_DISABLE_TIMING = 2,
  ISOMETRY_CUDA_CAPTURE_THREAD_LOCAL = 1,
};

// The entry points of libcuda.so.1: name, symbol, parameters. A symbol with _v2 is the current version.
#define ISOMETRY_CUDA_FUNCTIONS(F)                                                                 \
  F(start, cuInit, (unsigned flags))                                                               \
  F(driver_version, cuDriverGetVersion, (int *version))                                            \
  F(error_name, cuGetErrorName, (CUresult error, const char **text))                               \
  F(device_count, cuDeviceGetCount, (int *count))                                                  \
  F(device, cuDeviceGet, (CUdevice * device, int number))                                          \
  F(device_name, cuDeviceGetName, (char *name, int size, CUdevice device))                         \
  F(device_memory, cuDeviceTotalMem_v2, (size_t * bytes, CUdevice device))                         \
  F(device_attribute, cuDeviceGetAttribute, (int *value, int attribute, CUdevice device))          \
  F(context_create, cuCtxCreate_v2, (CUcontext * context, unsigned flags, CUdevice device))        \
  F(context_destroy, cuCtxDestroy_v2, (CUcontext context))                                         \
  F(context_set_current, cuCtxSetCurrent, (CUcontext context))                                     \
  F(memory_allocate, cuMemAlloc_v2, (CUdeviceptr * memory, size_t bytes))                          \
  F(memory_free, cuMemFree_v2, (CUdeviceptr memory))                                               \
  F(host_allocate, cuMemHostAlloc, (void **memory, size_t bytes, unsigned flags))                  \
  F(host_free, cuMemFreeHost, (void *memory))                                                      \
  F(copy_to_device, cuMemcpyHtoDAsync_v2,                                                          \
    (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))                             \
  F(copy_to_host, cuMemcpyDtoHAsync_v2,                                                            \
    (void *to, CUdeviceptr from, size_t bytes, CUstream stream))                                   \
  F(copy, cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)) \
  F(fill, cuMemsetD8Async,                                                                         \
    (CUdeviceptr memory, unsigned char byte, size_t bytes, CUstream stream))                       \
  F(stream_create, cuStreamCreate, (CUstream * stream, unsigned flags))                            \
  F(stream_destroy, cuStreamDestroy_v2, (CUstream stream))                                         \
  F(stream_synchronize, cuStreamSynchronize, (CUstream stream))                                    \
  F(stream_wait, cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags))              \
  F(stream_begin_capture, cuStreamBeginCapture_v2, (CUstream stream, int mode))                    \
  F(stream_end_capture, cuStreamEndCapture, (CUstream stream, CUgraph * graph))                    \
  F(event_create, cuEventCreate, (CUevent * event, unsigned flags))                                \
  F(event_destroy, cuEventDestroy_v2, (CUevent event))                                             \
  F(event_record, cuEventRecord, (CUevent event, CUstream stream))                                 \
  F(event_query, cuEventQuery, (CUevent event))                                                    \
  F(event_synchronize, cuEventSynchronize, (CUevent event))                                        \
  F(event_elapsed, cuEventElapsedTime, (float *milliseconds, CUevent start, CUevent end))          \
  F(module_load, cuModuleLoadDataEx,                                                               \
    (CUmodule * module, const void *image, unsigned count, int *options, void **values))           \
  F(module_unload, cuModuleUnload, (CUmodule module))                                              \
  F(module_function, cuModuleGetFunction,                                                          \
    (CUfunction * function, CUmodule module, const char *name))                                    \
  F(launch, cuLaunchKernel,                                                                        \
    (CUfunction function, unsigned groups_x, unsigned groups_y, unsigned groups_z,                 \
     unsigned items_x, unsigned items_y, unsigned items_z, unsigned shared, CUstream stream,       \
     void **arguments, void **extra))                                                              \
  F(graph_destroy, cuGraphDestroy, (CUgraph graph))                                                \
  F(graph_instantiate, cuGraphInstantiateWithFlags,                                                \
    (CUgraphExec * executable, CUgraph graph, unsigned long long flags))                           \
  F(graph_executable_destroy, cuGraphExecDestroy, (CUgraphExec executable))                        \
  F(graph_launch, cuGraphLaunch, (CUgraphExec executable, CUstream stream))

typedef int nvrtcResult;
typedef struct _nvrtcProgram *nvrtcProgram;

enum { ISOMETRY_NVRTC_COMPILATION = 6 };

// The entry points of libnvrtc.so.
#define ISOMETRY_NVRTC_FUNCTIONS(F)                                                              \
  F(version, nvrtcVersion, (int *major, int *minor))                                             \
  F(architecture_count, nvrtcGetNumSupportedArchs, (int *count))                                 \
  F(architectures, nvrtcGetSupportedArchs, (int *architectures))                                 \
  F(create, nvrtcCreateProgram,                                                                  \
    (nvrtcProgram * program, const char *source, const char *name, int headers,                  \
     const char *const *texts, const char *const *names))                                        \
  F(destroy, nvrtcDestroyProgram, (nvrtcProgram * program))                                      \
  F(compile, nvrtcCompileProgram, (nvrtcProgram program, int count, const char *const *options)) \
  F(ptx_size, nvrtcGetPTXSize, (nvrtcProgram program, size_t * size))                            \
  F(ptx, nvrtcGetPTX, (nvrtcProgram program, char *text))                                        \
  F(log_size, nvrtcGetProgramLogSize, (nvrtcProgram program, size_t * size))                     \
  F(log, nvrtcGetProgramLog, (nvrtcProgram program, char *text))

#define ISOMETRY_MEMBER(name, symbol, parameters) int(*name) parameters;
typedef struct {
  ISOMETRY_CUDA_FUNCTIONS(ISOMETRY_MEMBER)
} isometry_cuda;
typedef struct {
  ISOMETRY_NVRTC_FUNCTIONS(ISOMETRY_MEMBER)
} isometry_nvrtc;
#undef ISOMETRY_MEMBER

// Loads a library and finds its entry points. Returns NULL, or the reason why that fails, which is valid until
// the thread's next call.
const char *isometry_cuda_load(const char *path, isometry_cuda *functions);
const char *isometry_nvrtc_load(const char *path, isometry_nvrtc *functions);
