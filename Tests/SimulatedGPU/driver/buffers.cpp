// Buffers and parts of them. Fresh memory holds NaNs, so that a program that reads it is noticed.
#include <sys/mman.h>

#include <cstdlib>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/queues.h"
#include "driver/report.h"
#include "machine/settings.h"

using namespace simulated;

namespace {

constexpr size_t guardBytes = 65536;        // around each buffer
constexpr size_t mostFilled = 256u << 20;   // filling more would take the memory of a slab
constexpr size_t subBufferAlignment = 512;  // CL_DEVICE_MEM_BASE_ADDR_ALIGN
constexpr u16 nan = 0x7FF7;                 // in fp16 and bf16, and twice in fp32

}  // namespace

std::set<cl_mem>& simulated::liveBuffers() {
  static auto* const result = new std::set<cl_mem>;
  return *result;
}

_cl_mem::~_cl_mem() {
  liveBuffers().erase(this);
  if (!mappings.empty()) hostTrouble("buffer released while it is mapped", std::to_string(size));
  std::free(hostCopy);
  if (!data || parent) return;
  munmap(data - guardBytes, reservedBytes);
  memoryUse().remove(size);
}

cl_mem api::clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void* host,
                           cl_int* status) {
  if (size == 0 || size > settings().memoryBytes / 4)
    return given<cl_mem>(status, CL_INVALID_BUFFER_SIZE, nullptr);
  const u64 failing = settings().failingBuffer;
  if (failing && static_cast<u64>(_cl_mem::live.all) + 1 >= failing)
    return given<cl_mem>(status, CL_MEM_OBJECT_ALLOCATION_FAILURE, nullptr);
  const size_t reserved = roundedUp(size, guardBytes) + 2 * guardBytes;
  void* pages = mmap(nullptr, reserved, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return given<cl_mem>(status, CL_MEM_OBJECT_ALLOCATION_FAILURE, nullptr);
  auto* buffer = new _cl_mem;
  buffer->context = Reference(context);
  buffer->size = size;
  buffer->flags = flags;
  buffer->reservedBytes = reserved;
  buffer->data = static_cast<u8*>(pages) + guardBytes;
  if (size <= mostFilled) std::fill_n(reinterpret_cast<u16*>(buffer->data), (size + 1) / 2, nan);
  if (host && (flags & (CL_MEM_COPY_HOST_PTR | CL_MEM_USE_HOST_PTR)))
    std::memcpy(buffer->data, host, size);
  buffer->shadow = std::make_unique<GlobalShadow>(reinterpret_cast<u64>(buffer->data), size);
  const Hold hold(driverLock());
  memoryUse().add(size);
  liveBuffers().insert(buffer);
  return given(status, CL_SUCCESS, buffer);
}

cl_mem api::clCreateSubBuffer(cl_mem parent, cl_mem_flags flags, cl_buffer_create_type,
                              const void* information, cl_int* status) {
  const auto& region = *static_cast<const cl_buffer_region*>(information);
  cl_int code = CL_SUCCESS;
  if (parent->parent) code = CL_INVALID_MEM_OBJECT;
  if (region.size == 0) code = CL_INVALID_BUFFER_SIZE;
  if (region.origin + region.size > parent->size) code = CL_INVALID_VALUE;
  if (region.origin % subBufferAlignment) code = CL_MISALIGNED_SUB_BUFFER_OFFSET;
  if (code != CL_SUCCESS) return given<cl_mem>(status, code, nullptr);
  auto* buffer = new _cl_mem;
  buffer->context = parent->context;
  buffer->parent = Reference(parent);
  buffer->offset = region.origin;
  buffer->size = region.size;
  buffer->data = parent->data + region.origin;
  buffer->flags = flags;
  const Hold hold(driverLock());
  liveBuffers().insert(buffer);
  return given(status, CL_SUCCESS, buffer);
}

cl_int api::clRetainMemObject(cl_mem buffer) {
  retain(buffer);
  return CL_SUCCESS;
}

cl_int api::clReleaseMemObject(cl_mem buffer) {
  const Hold hold(driverLock());
  release(buffer);
  return CL_SUCCESS;
}

cl_int api::clGetMemObjectInfo(cl_mem buffer, cl_mem_info name, size_t size, void* value,
                               size_t* written) {
  const Answer answer{size, value, written};
  if (name == CL_MEM_SIZE) return answer(buffer->size);
  if (name == CL_MEM_FLAGS) return answer(buffer->flags);
  if (name == CL_MEM_CONTEXT) return answer(buffer->context.get());
  if (name == CL_MEM_OFFSET) return answer(buffer->offset);
  return CL_INVALID_VALUE;
}
