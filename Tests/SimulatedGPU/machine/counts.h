// Counts of what a kernel's instructions did, for SIMULATED_GPU_STATS.
#pragma once

#include <vector>

#include "ptx/kernel.h"

namespace simulated {

struct Group;

struct InstructionCounts {
  u64 warps = 0;     // how often a warp ran it
  u64 lanes = 0;     // lanes that ran it
  u64 diverged = 0;  // branches that split a warp; further turns that copies take in shared memory
  // Accesses of sampled groups:
  u64 requests = 0;
  u64 requestLanes = 0;
  u64 units = 0;      // sectors of 32 bytes in global memory, turns of the banks in shared memory
  u64 ideal = 0;      // the fewest units that could carry as many bytes
  u64 arguments = 0;  // mask of the arguments that it touched
};

// Reuses of sectors are counted by their distance, in steps of as many lines of 128 bytes: 1 KiB.
constexpr int linesOfReuse = 8;

struct KernelCounts {
  std::vector<std::vector<InstructionCounts>> codes;  // of each instruction of each function
  u64 launches = 0;
  u64 groupsRun = 0;
  u64 groupsSampled = 0;
  double instructions = 0, squares = 0;  // sums over the groups that ran
  // Sectors that sampled groups loaded through the first-level cache for the first time, and again. The
  // distance of a reuse is what a cache must hold for it, besides the sector's line.
  u64 firstLoads = 0;
  u64 reuses[256] = {};  // the last one: and all that are farther
};

// Turns that an access of shared memory takes: each of 32 banks gives one word of 4 bytes a turn.
u32 bankTurns(const u64* addresses, LaneMask mask, u32 bytes);

// `isCached`: whether it is a load through the first-level cache.
void countGlobalAccess(Group& group, const u64* addresses, LaneMask mask, u32 bytes, bool isCached);
void countSharedAccess(Group& group, const u64* addresses, LaneMask mask, u32 bytes);

// Adds the loads of the group's cachedSectors by their distances.
void countReuse(Group& group, KernelCounts& counts);

}  // namespace simulated
