// oneDNN, by the interface of its version 3.
#pragma once
#include <dnnl_version.h>

#if DNNL_VERSION_MAJOR == 2
#include "onednn2.h"
#elif DNNL_VERSION_MAJOR == 3
#include <dnnl.h>
#include <dnnl_debug.h>

static inline dnnl_status_t onednn_append_rectifier(dnnl_post_ops_t operations) {
  return dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_relu, 0, 0);
}
#else
#error "the CPU backend knows oneDNN 2 and 3; docs/environment.md has the releases with them"
#endif
