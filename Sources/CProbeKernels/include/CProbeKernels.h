#pragma once

// The files of kernels/probe, embedded when the package was built, as terminated strings.

/// kernels/probe/ceilings.cl
const char *_Nonnull probe_kernels_ceilings(void);

/// kernels/probe/hopper_nvidia.cl
const char *_Nonnull probe_kernels_hopper(void);

/// kernels/probe/tensor_cores_nvidia.cl
const char *_Nonnull probe_kernels_tensor_cores(void);
