// A launch of a kernel: its arguments and the memory that they stand for.
#pragma once

#include <string>
#include <vector>

#include "machine/counts.h"
#include "machine/global_shadow.h"
#include "ptx/kernel.h"

namespace simulated {

// The memory of one argument: a buffer or a part of one. Parts that overlap are one range.
struct MemoryRange {
  u64 begin;
  u64 end;
  int argument;          // -1 for constants of the program
  GlobalShadow* shadow;  // of the whole buffer; nullptr for constants
  // What the launch touched.
  u64 readBegin = ~0ull, readEnd = 0;
  u64 writeBegin = ~0ull, writeEnd = 0;
};

struct Launch {
  const Kernel* kernel = nullptr;
  std::string label;
  std::vector<u8> parameters;
  u64 groups[3] = {1, 1, 1};
  u64 groupSize[3] = {1, 1, 1};
  std::vector<MemoryRange> ranges;  // sorted by their begins
  u32 number = 0;

  u64 groupCount() const { return groups[0] * groups[1] * groups[2]; }
  u64 itemsOfGroup() const { return groupSize[0] * groupSize[1] * groupSize[2]; }
};

// Runs all groups one after the other, the warps of a group alternately between barriers.
void execute(Launch& launch, KernelCounts& counts);

}  // namespace simulated
