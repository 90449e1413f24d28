// What the device says about itself: the answers of NVIDIA's driver on an H200.
#include <algorithm>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/objects.h"
#include "machine/settings.h"

using namespace simulated;

namespace {

// Values of cl_nv_device_attribute_query, which CL/cl_ext.h calls so.
constexpr cl_uint registersOfGroup = 65536;
constexpr cl_ulong localMemoryBytes = 49152;
constexpr cl_uint baseAddressAlignmentBits = 4096;

// All but denormals and correctly rounded division of fp32 are in every configuration.
constexpr cl_device_fp_config floatConfiguration = CL_FP_DENORM | CL_FP_INF_NAN |
                                                   CL_FP_ROUND_TO_NEAREST | CL_FP_ROUND_TO_ZERO |
                                                   CL_FP_ROUND_TO_INF | CL_FP_FMA;

// No cl_khr_fp16, no sub-groups and no command buffers: NVIDIA's driver has none of them.
const char* const extensions =
    "cl_khr_global_int32_base_atomics cl_khr_global_int32_extended_atomics "
    "cl_khr_local_int32_base_atomics cl_khr_local_int32_extended_atomics cl_khr_fp64 "
    "cl_khr_3d_image_writes cl_khr_byte_addressable_store cl_khr_icd cl_khr_gl_sharing "
    "cl_nv_compiler_options cl_nv_device_attribute_query cl_nv_pragma_unroll cl_nv_copy_opts "
    "cl_nv_create_buffer cl_khr_int64_base_atomics cl_khr_int64_extended_atomics "
    "cl_nv_kernel_attribute cl_khr_device_uuid cl_khr_pci_bus_info cl_khr_external_semaphore "
    "cl_khr_external_memory cl_khr_external_semaphore_opaque_fd cl_khr_external_memory_opaque_fd "
    "cl_khr_semaphore";

_cl_platform_id platform;
_cl_device_id device;

}  // namespace

cl_device_id simulated::theDevice() { return &device; }

cl_int api::clGetPlatformIDs(cl_uint capacity, cl_platform_id* platforms, cl_uint* count) {
  if (count) *count = 1;
  if (platforms && capacity) platforms[0] = &platform;
  return CL_SUCCESS;
}

cl_int api::clGetPlatformInfo(cl_platform_id, cl_platform_info name, size_t size, void* value,
                              size_t* written) {
  const Answer answer{size, value, written};
  switch (name) {
    case CL_PLATFORM_PROFILE: return answer.text("FULL_PROFILE");
    case CL_PLATFORM_VERSION: return answer.text("OpenCL 3.0 CUDA 12.8.97");
    case CL_PLATFORM_NUMERIC_VERSION: return answer(cl_version{CL_MAKE_VERSION(3, 0, 0)});
    case CL_PLATFORM_NAME: return answer.text("NVIDIA CUDA");
    case CL_PLATFORM_VENDOR: return answer.text("NVIDIA Corporation");
    case CL_PLATFORM_EXTENSIONS: return answer.text("cl_khr_icd cl_nv_device_attribute_query");
    case CL_PLATFORM_ICD_SUFFIX_KHR: return answer.text("NV");
    default: return CL_INVALID_VALUE;
  }
}

cl_int api::clGetDeviceIDs(cl_platform_id, cl_device_type type, cl_uint capacity,
                           cl_device_id* devices, cl_uint* count) {
  if (!(type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_DEFAULT))) return CL_DEVICE_NOT_FOUND;
  if (count) *count = 1;
  if (devices && capacity) devices[0] = &device;
  return CL_SUCCESS;
}

cl_int api::clRetainDevice(cl_device_id) { return CL_SUCCESS; }
cl_int api::clReleaseDevice(cl_device_id) { return CL_SUCCESS; }

cl_int api::clGetDeviceInfo(cl_device_id, cl_device_info name, size_t size, void* value,
                            size_t* written) {
  const Answer answer{size, value, written};
  const Settings& set = settings();
  switch (name) {
    case CL_DEVICE_TYPE: return answer(cl_device_type{CL_DEVICE_TYPE_GPU});
    case CL_DEVICE_VENDOR_ID: return answer(cl_uint{0x10DE});
    case CL_DEVICE_PLATFORM: return answer(cl_platform_id{&platform});
    case CL_DEVICE_NAME: return answer.text(set.name);
    case CL_DEVICE_VENDOR: return answer.text("NVIDIA Corporation");
    case CL_DRIVER_VERSION: return answer.text("570.86.15");
    case CL_DEVICE_VERSION: return answer.text("OpenCL 3.0 CUDA");
    case CL_DEVICE_NUMERIC_VERSION: return answer(cl_version{CL_MAKE_VERSION(3, 0, 0)});
    case CL_DEVICE_PROFILE: return answer.text("FULL_PROFILE");
    case CL_DEVICE_OPENCL_C_VERSION: return answer.text("OpenCL C 1.2 ");
    case CL_DEVICE_EXTENSIONS: return answer.text(extensions);

    case CL_DEVICE_MAX_COMPUTE_UNITS: return answer(cl_uint{set.computeUnits});
    case CL_DEVICE_MAX_CLOCK_FREQUENCY: return answer(cl_uint{1980});
    case CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS: return answer(cl_uint{3});
    case CL_DEVICE_MAX_WORK_GROUP_SIZE: return answer(size_t{1024});
    case CL_DEVICE_MAX_WORK_ITEM_SIZES: {
      const size_t sizes[3] = {1024, 1024, 64};
      return answer.bytes(sizes, sizeof sizes);
    }
    case CL_DEVICE_ADDRESS_BITS: return answer(cl_uint{64});
    case CL_DEVICE_MAX_PARAMETER_SIZE: return answer(size_t{4352});
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT: return answer(cl_uint{1});
    case CL_DEVICE_PARTITION_MAX_SUB_DEVICES: return answer(cl_uint{1});
    case CL_DEVICE_SINGLE_FP_CONFIG:
      return answer(cl_device_fp_config{floatConfiguration | CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT});
    case CL_DEVICE_DOUBLE_FP_CONFIG: return answer(floatConfiguration);

    case CL_DEVICE_GLOBAL_MEM_SIZE: return answer(cl_ulong{set.memoryBytes});
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE: return answer(cl_ulong{set.memoryBytes / 4});
    case CL_DEVICE_LOCAL_MEM_SIZE: return answer(localMemoryBytes);
    case CL_DEVICE_LOCAL_MEM_TYPE: return answer(cl_device_local_mem_type{CL_LOCAL});
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN: return answer(baseAddressAlignmentBits);
    case CL_DEVICE_MIN_DATA_TYPE_ALIGN_SIZE: return answer(cl_uint{128});
    case CL_DEVICE_GLOBAL_MEM_CACHE_SIZE: return answer(cl_ulong{set.computeUnits} * 32768);
    case CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE: return answer(cl_uint{128});
    case CL_DEVICE_GLOBAL_MEM_CACHE_TYPE:
      return answer(cl_device_mem_cache_type{CL_READ_WRITE_CACHE});
    case CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE: return answer(cl_ulong{65536});
    case CL_DEVICE_MAX_CONSTANT_ARGS: return answer(cl_uint{9});

    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_LINKER_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE:
    case CL_DEVICE_ERROR_CORRECTION_SUPPORT: return answer(cl_bool{CL_TRUE});
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
    case CL_DEVICE_IMAGE_SUPPORT: return answer(cl_bool{CL_FALSE});
    case CL_DEVICE_QUEUE_PROPERTIES:
      return answer(cl_command_queue_properties{CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE |
                                                CL_QUEUE_PROFILING_ENABLE});
    case CL_DEVICE_PROFILING_TIMER_RESOLUTION: return answer(size_t{1000});
    case CL_DEVICE_EXECUTION_CAPABILITIES:
      return answer(cl_device_exec_capabilities{CL_EXEC_KERNEL});

    case CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV: return answer(cl_uint{set.computeCapability / 10});
    case CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV: return answer(cl_uint{set.computeCapability % 10});
    case 0x4008: return answer(cl_uint{1});  // CL_DEVICE_PCI_BUS_ID_NV
    case 0x4009: return answer(cl_uint{0});  // CL_DEVICE_PCI_SLOT_ID_NV
    case CL_DEVICE_REGISTERS_PER_BLOCK_NV: return answer(registersOfGroup);
    case CL_DEVICE_WARP_SIZE_NV: return answer(cl_uint{warpSize});
    case CL_DEVICE_GPU_OVERLAP_NV: return answer(cl_bool{CL_TRUE});
    case CL_DEVICE_KERNEL_EXEC_TIMEOUT_NV:
    case CL_DEVICE_INTEGRATED_MEMORY_NV: return answer(cl_bool{CL_FALSE});
    default: return CL_INVALID_VALUE;
  }
}
