#pragma once
// The package speaks OpenCL 1.2 to every device; newer entry points are looked up if they exist.
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
// Some headers have cl_khr_command_buffer only for those who ask.
#define CL_ENABLE_BETA_EXTENSIONS
#include <CL/cl.h>
#include <CL/cl_ext.h>
