#include "CCUDA.h"
#include <dlfcn.h>
#include <stdio.h>

// Finds the symbol of a member of `functions` in a library.
#define FIND(member, symbol, parameters)                            \
  *(void **)&functions->member = dlsym(library, #symbol);           \
  if (!functions->member) {                                         \
    snprintf(reason, sizeof reason, "%s has no %s", path, #symbol); \
    return reason;                                                  \
  }

static _Thread_local char reason[512];

static void *open_library(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) snprintf(reason, sizeof reason, "%s", dlerror());
  return library;
}

const char *isometry_cuda_load(const char *path, isometry_cuda *functions) {
  void *library = open_library(path);
  if (!library) return reason;
  ISOMETRY_CUDA_FUNCTIONS(FIND)
  return NULL;
}

const char *isometry_nvrtc_load(const char *path, isometry_nvrtc *functions) {
  void *library = open_library(path);
  if (!library) return reason;
  ISOMETRY_NVRTC_FUNCTIONS(FIND)
  return NULL;
}
