// Commands that move bytes between host and buffers. They happen when the command runs, so a host
// that changes its memory too early is found by its results.
#include <algorithm>
#include <cstdlib>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/queues.h"

using namespace simulated;

namespace {

constexpr size_t pageBytes = 4096;

bool isInside(cl_mem buffer, size_t offset, size_t bytes, const char* call) {
  if (bytes && offset + bytes <= buffer->size) return true;
  hostTrouble(std::string(call) + " outside of the buffer", std::to_string(offset) + " + " +
                                                                std::to_string(bytes) + " of " +
                                                                std::to_string(buffer->size));
  return false;
}

Touch touchOf(cl_mem buffer, size_t offset, size_t bytes, bool writes) {
  const u64 begin = reinterpret_cast<u64>(buffer->data + offset);
  return {buffer->root(), begin, begin + bytes, writes};
}

}  // namespace

cl_int api::clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool isBlocking,
                                 size_t offset, size_t bytes, const void* source, cl_uint waitCount,
                                 const cl_event* waitList, cl_event* event) {
  if (!isInside(buffer, offset, bytes, "clEnqueueWriteBuffer")) return CL_INVALID_VALUE;
  return enqueue({queue, waitCount, waitList, event, isBlocking != 0}, CL_COMMAND_WRITE_BUFFER,
                 "clEnqueueWriteBuffer", [=, buffer = Reference(buffer)] {
                   std::memcpy(buffer->data + offset, source, bytes);
                   return std::vector{touchOf(buffer.get(), offset, bytes, true)};
                 });
}

cl_int api::clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool isBlocking,
                                size_t offset, size_t bytes, void* destination, cl_uint waitCount,
                                const cl_event* waitList, cl_event* event) {
  if (!isInside(buffer, offset, bytes, "clEnqueueReadBuffer")) return CL_INVALID_VALUE;
  return enqueue({queue, waitCount, waitList, event, isBlocking != 0}, CL_COMMAND_READ_BUFFER,
                 "clEnqueueReadBuffer", [=, buffer = Reference(buffer)] {
                   std::memcpy(destination, buffer->data + offset, bytes);
                   return std::vector{touchOf(buffer.get(), offset, bytes, false)};
                 });
}

cl_int api::clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t fromOffset,
                                size_t toOffset, size_t bytes, cl_uint waitCount,
                                const cl_event* waitList, cl_event* event) {
  if (!isInside(from, fromOffset, bytes, "clEnqueueCopyBuffer") ||
      !isInside(to, toOffset, bytes, "clEnqueueCopyBuffer"))
    return CL_INVALID_VALUE;
  const Touch read = touchOf(from, fromOffset, bytes, false);
  const Touch write = touchOf(to, toOffset, bytes, true);
  if (read.begin < write.end && write.begin < read.end) {
    hostTrouble("copy between parts that overlap", std::to_string(bytes));
    return CL_MEM_COPY_OVERLAP;
  }
  return enqueue({queue, waitCount, waitList, event}, CL_COMMAND_COPY_BUFFER, "clEnqueueCopyBuffer",
                 [=, from = Reference(from), to = Reference(to)] {
                   std::memcpy(to->data + toOffset, from->data + fromOffset, bytes);
                   return std::vector{read, write};
                 });
}

cl_int api::clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void* pattern,
                                size_t patternBytes, size_t offset, size_t bytes, cl_uint waitCount,
                                const cl_event* waitList, cl_event* event) {
  if (!isInside(buffer, offset, bytes, "clEnqueueFillBuffer")) return CL_INVALID_VALUE;
  if (offset % patternBytes || bytes % patternBytes) return CL_INVALID_VALUE;
  const auto* first = static_cast<const u8*>(pattern);
  return enqueue({queue, waitCount, waitList, event}, CL_COMMAND_FILL_BUFFER, "clEnqueueFillBuffer",
                 [=, buffer = Reference(buffer), copy = std::vector(first, first + patternBytes)] {
                   u8* const to = buffer->data + offset;
                   for (size_t i = 0; i < bytes; i += patternBytes)
                     std::copy(copy.begin(), copy.end(), to + i);
                   return std::vector{touchOf(buffer.get(), offset, bytes, true)};
                 });
}

// The host sees a copy, as if the device had memory of its own.
void* api::clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool isBlocking,
                              cl_map_flags flags, size_t offset, size_t bytes, cl_uint waitCount,
                              const cl_event* waitList, cl_event* event, cl_int* status) {
  if (!isInside(buffer, offset, bytes, "clEnqueueMapBuffer"))
    return given<void*>(status, CL_INVALID_VALUE, nullptr);
  Hold hold(driverLock());
  if (!buffer->hostCopy)
    buffer->hostCopy =
        static_cast<u8*>(std::aligned_alloc(pageBytes, roundedUp(buffer->size, pageBytes)));
  u8* const memory = buffer->hostCopy + offset;
  const bool writes = flags & (CL_MAP_WRITE | CL_MAP_WRITE_INVALIDATE_REGION);
  buffer->mappings.insert({memory, {offset, bytes, writes}});
  hold.unlock();
  const bool keeps = !(flags & CL_MAP_WRITE_INVALIDATE_REGION);
  const cl_int code =
      enqueue({queue, waitCount, waitList, event, isBlocking != 0}, CL_COMMAND_MAP_BUFFER,
              "clEnqueueMapBuffer", [=, buffer = Reference(buffer)] {
                std::vector<Touch> touches;
                if (keeps) {
                  std::memcpy(memory, buffer->data + offset, bytes);
                  touches.push_back(touchOf(buffer.get(), offset, bytes, false));
                } else {
                  std::memset(memory, 0xF7, bytes);
                }
                return touches;
              });
  return given<void*>(status, code, memory);
}

cl_int api::clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem buffer, void* memory,
                                    cl_uint waitCount, const cl_event* waitList, cl_event* event) {
  Hold hold(driverLock());
  const auto entry = buffer->mappings.find(memory);
  if (entry == buffer->mappings.end()) {
    hostTrouble("clEnqueueUnmapMemObject of memory that is not mapped", "");
    return CL_INVALID_VALUE;
  }
  const _cl_mem::Mapping mapping = entry->second;
  buffer->mappings.erase(entry);
  hold.unlock();
  return enqueue({queue, waitCount, waitList, event}, CL_COMMAND_UNMAP_MEM_OBJECT,
                 "clEnqueueUnmapMemObject", [=, buffer = Reference(buffer)] {
                   std::vector<Touch> touches;
                   if (mapping.writes) {
                     std::memcpy(buffer->data + mapping.offset, memory, mapping.bytes);
                     touches.push_back(touchOf(buffer.get(), mapping.offset, mapping.bytes, true));
                   }
                   return touches;
                 });
}
