// What the driver writes when the process ends.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "driver/objects.h"
#include "machine/launch.h"

namespace simulated {

struct MemoryUse {
  u64 now = 0, most = 0;
  void add(u64 bytes) { most = std::max(most, now += bytes); }
  void remove(u64 bytes) { now -= bytes; }
};
MemoryUse& memoryUse();

// To tell released buffers from others: a kernel's argument is a pointer that may have become
// stale.
std::set<cl_mem>& liveBuffers();

// The counts of launches of a context with the same kernel, sizes and scalar arguments.
struct LaunchCounts {
  KernelCounts counts;
  std::shared_ptr<Kernel> kernel;
  std::string name, label, program;
  u64 context = 0, groups = 0, items = 0;
  u64 argumentBytes = 0;
};
std::map<std::string, std::unique_ptr<LaunchCounts>>& launchCounts();

// Appends troubles and counts to the files that SIMULATED_GPU_REPORT and SIMULATED_GPU_STATS name.
void writeReport();

}  // namespace simulated
