// clEnqueueNDRangeKernel: checks the sizes and arguments of a launch, and takes copies of them.
#include <algorithm>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/compiler.h"
#include "driver/kernels.h"
#include "driver/queues.h"
#include "driver/report.h"
#include "machine/launch.h"
#include "machine/settings.h"

using namespace simulated;

namespace {

constexpr u64 mostGroups = 65535;  // along axis 1 or 2
constexpr u64 mostItemsAlongLastAxis = 64;
constexpr size_t slabBytes =
    16u << 20;  // whole buffers of that size are not an argument's own memory

u32 launchCount = 0;

cl_int setSizes(Launch& launch, cl_kernel kernel, cl_uint dimensions, const size_t* offset,
                const size_t* global, const size_t* local) {
  if (dimensions < 1 || dimensions > 3) return CL_INVALID_WORK_DIMENSION;
  for (cl_uint axis = 0; axis < dimensions; ++axis) {
    if (offset && offset[axis]) {
      hostTrouble("global offsets are not simulated", kernel->name);
      return CL_INVALID_GLOBAL_OFFSET;
    }
    const size_t items = local ? local[axis] : axis == 0 ? 64 : 1;
    if (items == 0 || global[axis] == 0 || global[axis] % items) {
      hostTrouble("the local size does not divide the global size", kernel->name);
      return CL_INVALID_WORK_GROUP_SIZE;
    }
    launch.groupSize[axis] = items;
    launch.groups[axis] = global[axis] / items;
  }
  const u32* required = kernel->kernel->entry->requiredSize;
  for (int axis = 0; axis < 3 && required[0]; ++axis)
    if (required[axis] != launch.groupSize[axis]) {
      hostTrouble("the group is not that of reqd_work_group_size", kernel->name);
      return CL_INVALID_WORK_GROUP_SIZE;
    }
  if (launch.itemsOfGroup() > mostItemsOfGroup || launch.groupSize[2] > mostItemsAlongLastAxis) {
    hostTrouble("the group is too large", kernel->name);
    return CL_INVALID_WORK_GROUP_SIZE;
  }
  if (launch.itemsOfGroup() > mostItems(*kernel)) {
    hostTrouble("the group needs more registers than a multiprocessor has", kernel->name);
    return CL_OUT_OF_RESOURCES;
  }
  if (launch.groups[1] > mostGroups || launch.groups[2] > mostGroups) {
    hostTrouble("more than 65535 groups along axis 1 or 2", kernel->name);
    return CL_INVALID_GLOBAL_WORK_SIZE;
  }
  return CL_SUCCESS;
}

// Copies the arguments and collects the memory that they stand for.
cl_int setArguments(Launch& launch, cl_kernel kernel, std::vector<Reference<_cl_mem>>& buffers) {
  launch.parameters.resize(kernel->kernel->parameterBytes);
  for (size_t i = 0; i < kernel->arguments.size(); ++i) {
    const auto& bytes = kernel->arguments[i];
    const std::string place = kernel->name + " argument " + std::to_string(i);
    if (bytes.empty()) {
      hostTrouble("argument that is not set", place);
      return CL_INVALID_KERNEL_ARGS;
    }
    std::copy(bytes.begin(), bytes.end(),
              launch.parameters.begin() + kernel->kernel->parameterOffsets[i]);
    const cl_mem buffer = kernel->buffers[i];
    if (!buffer) continue;
    if (!liveBuffers().count(buffer)) {
      hostTrouble("argument that was released", place);
      return CL_INVALID_KERNEL_ARGS;
    }
    buffers.emplace_back(buffer);
    const u64 begin = reinterpret_cast<u64>(buffer->data);
    launch.ranges.push_back(
        {begin, begin + buffer->size, static_cast<int>(i), buffer->root()->shadow.get()});
  }
  for (const auto& [name, variable] : kernel->program->module->variables) {
    if (!variable.memory) continue;
    const u64 begin = reinterpret_cast<u64>(variable.memory->data());
    launch.ranges.push_back({begin, begin + variable.bytes, -1, nullptr});
  }
  return CL_SUCCESS;
}

// Sorts the ranges, and makes one of those that overlap.
void mergeRanges(std::vector<MemoryRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const MemoryRange& a, const MemoryRange& b) { return a.begin < b.begin; });
  std::vector<MemoryRange> merged;
  for (const MemoryRange& range : ranges) {
    if (!merged.empty() && range.begin < merged.back().end)
      merged.back().end = std::max(merged.back().end, range.end);
    else
      merged.push_back(range);
  }
  ranges = merged;
}

LaunchCounts& countsOf(const Launch& launch, cl_kernel kernel,
                       const std::vector<Reference<_cl_mem>>& buffers) {
  std::string scalars;
  for (size_t i = 0; i < kernel->arguments.size(); ++i)
    if (!kernel->buffers[i])
      scalars.append(kernel->arguments[i].begin(), kernel->arguments[i].end());
  const u64 groups = launch.groupCount(), items = launch.itemsOfGroup();
  const std::string sizes = std::to_string(groups) + "x" + std::to_string(items);
  const u64 context = kernel->program->context->number;
  const std::string key = std::to_string(context) + " " + kernel->program->key + " " +
                          programKey(scalars, "") + " " + kernel->name + " " + sizes;
  auto& counts = launchCounts()[key];
  if (!counts) {
    counts = std::make_unique<LaunchCounts>();
    counts->kernel = kernel->kernel;
    counts->name = kernel->name;
    counts->label = launch.label;
    counts->program = kernel->program->key;
    counts->context = context;
    counts->groups = groups;
    counts->items = items;
  }
  std::set<cl_mem> distinct;
  for (const auto& buffer : buffers) distinct.insert(buffer.get());
  counts->argumentBytes = 0;
  for (cl_mem buffer : distinct)
    if (buffer->parent || buffer->size < slabBytes) counts->argumentBytes += buffer->size;
  return *counts;
}

// What the launch touched of each buffer.
std::vector<Touch> touchesOf(const Launch& launch, const std::vector<Reference<_cl_mem>>& buffers) {
  std::vector<Touch> touches;
  for (const MemoryRange& range : launch.ranges) {
    if (range.argument < 0) continue;
    const auto owner = std::find_if(buffers.begin(), buffers.end(), [&](const auto& buffer) {
      return buffer->root()->shadow.get() == range.shadow;
    });
    cl_mem root = (*owner)->root();
    if (range.readEnd) touches.push_back({root, range.readBegin, range.readEnd, false});
    if (range.writeEnd) touches.push_back({root, range.writeBegin, range.writeEnd, true});
  }
  return touches;
}

}  // namespace

cl_int api::clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                   const size_t* offset, const size_t* global, const size_t* local,
                                   cl_uint waitCount, const cl_event* waitList, cl_event* event) {
  Hold hold(driverLock());
  auto launch = std::make_shared<Launch>();
  launch->kernel = kernel->kernel.get();
  launch->label = kernel->name + " [" + kernel->program->options + "]";
  cl_int code = setSizes(*launch, kernel, dimensions, offset, global, local);
  if (code != CL_SUCCESS) return code;
  launch->number = ++launchCount;
  if (settings().failingLaunch == launch->number) return CL_OUT_OF_RESOURCES;
  std::vector<Reference<_cl_mem>> buffers;
  code = setArguments(*launch, kernel, buffers);
  if (code != CL_SUCCESS) return code;
  mergeRanges(launch->ranges);
  ++callCounts().launches;
  LaunchCounts* counts = &countsOf(*launch, kernel, buffers);
  hold.unlock();
  return enqueue({queue, waitCount, waitList, event}, CL_COMMAND_NDRANGE_KERNEL, kernel->name,
                 [launch, counts, buffers, keptAlive = kernel->kernel] {
                   execute(*launch, counts->counts);
                   return touchesOf(*launch, buffers);
                 });
}
