// Kernels and their arguments.
#include <algorithm>
#include <stdexcept>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/kernels.h"
#include "driver/queues.h"
#include "driver/report.h"
#include "machine/troubles.h"

using namespace simulated;

namespace {

// A multiprocessor gives its registers to warps, in portions of 8 a lane.
constexpr u64 registersOfMultiprocessor = 65536;
constexpr u64 registerPortion = 8;

}  // namespace

u64 simulated::mostItems(const _cl_kernel& kernel) {
  const auto used = kernel.program->registers.find(kernel.name);
  if (used == kernel.program->registers.end()) return mostItemsOfGroup;
  const u64 registers = roundedUp(static_cast<u64>(std::max(used->second, 1)), registerPortion);
  const u64 warps = registersOfMultiprocessor / (registers * warpSize);
  return std::min(mostItemsOfGroup, warps * warpSize);
}

cl_kernel api::clCreateKernel(cl_program program, const char* name, cl_int* status) {
  const Hold hold(driverLock());
  if (!program->isBuilt) return given<cl_kernel>(status, CL_INVALID_PROGRAM_EXECUTABLE, nullptr);
  const Function* entry = program->module->entry(name);
  if (!entry) return given<cl_kernel>(status, CL_INVALID_KERNEL_NAME, nullptr);
  auto& decoded = program->kernels[name];
  try {
    if (!decoded) decoded = decodeKernel(program->module, *entry);
  } catch (std::exception& error) {
    trouble("host: kernel is not understood", std::string(name) + " [" + program->options + "]",
            error.what());
    return given<cl_kernel>(status, CL_INVALID_KERNEL, nullptr);
  }
  auto* kernel = new _cl_kernel;
  kernel->program = Reference(program);
  kernel->kernel = decoded;
  kernel->name = name;
  kernel->arguments.resize(entry->parameters.size());
  kernel->buffers.resize(entry->parameters.size());
  return given(status, CL_SUCCESS, kernel);
}

cl_int api::clRetainKernel(cl_kernel kernel) {
  retain(kernel);
  return CL_SUCCESS;
}

cl_int api::clReleaseKernel(cl_kernel kernel) {
  release(kernel);
  return CL_SUCCESS;
}

cl_int api::clSetKernelArg(cl_kernel kernel, cl_uint number, size_t size, const void* value) {
  if (number >= kernel->arguments.size()) return CL_INVALID_ARG_INDEX;
  const Parameter& parameter = kernel->kernel->entry->parameters[number];
  const std::string place = kernel->name + " argument " + std::to_string(number);
  auto& bytes = kernel->arguments[number];
  if (parameter.pointsToShared) {
    hostTrouble("arguments in local memory are not simulated", place);
    return CL_INVALID_ARG_VALUE;
  }
  if (size != (parameter.isPointer ? sizeof(cl_mem) : parameter.bytes)) {
    hostTrouble("argument of another size",
                place + ": " + std::to_string(size) + " for " + std::to_string(parameter.bytes));
    return CL_INVALID_ARG_SIZE;
  }
  const auto* first = static_cast<const u8*>(value);
  if (!parameter.isPointer) {
    bytes.assign(first, first + size);
    return CL_SUCCESS;
  }
  const Hold hold(driverLock());
  const cl_mem buffer = value ? *static_cast<const cl_mem*>(value) : nullptr;
  if (buffer && !liveBuffers().count(buffer)) {
    hostTrouble("argument is not a buffer", place);
    return CL_INVALID_MEM_OBJECT;
  }
  kernel->buffers[number] = buffer;
  const u64 address = buffer ? reinterpret_cast<u64>(buffer->data) : 0;
  bytes.resize(sizeof address);
  std::memcpy(bytes.data(), &address, sizeof address);
  return CL_SUCCESS;
}

cl_int api::clGetKernelInfo(cl_kernel kernel, cl_kernel_info name, size_t size, void* value,
                            size_t* written) {
  const Answer answer{size, value, written};
  switch (name) {
    case CL_KERNEL_FUNCTION_NAME: return answer.text(kernel->name);
    case CL_KERNEL_NUM_ARGS: return answer(static_cast<cl_uint>(kernel->arguments.size()));
    case CL_KERNEL_PROGRAM: return answer(kernel->program.get());
    case CL_KERNEL_CONTEXT: return answer(kernel->program->context.get());
    default: return CL_INVALID_VALUE;
  }
}

cl_int api::clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id, cl_kernel_work_group_info name,
                                     size_t size, void* value, size_t* written) {
  const Answer answer{size, value, written};
  const u32* required = kernel->kernel->entry->requiredSize;
  switch (name) {
    case CL_KERNEL_WORK_GROUP_SIZE: return answer(static_cast<size_t>(mostItems(*kernel)));
    case CL_KERNEL_LOCAL_MEM_SIZE: return answer(cl_ulong{kernel->kernel->sharedBytes});
    case CL_KERNEL_PRIVATE_MEM_SIZE: return answer(cl_ulong{kernel->kernel->localBytes});
    case CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE: return answer(size_t{warpSize});
    case CL_KERNEL_COMPILE_WORK_GROUP_SIZE: {
      const size_t sizes[3] = {required[0], required[1], required[2]};
      return answer.bytes(sizes, sizeof sizes);
    }
    default: return CL_INVALID_VALUE;
  }
}
