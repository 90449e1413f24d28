// A group while it runs: its warps, its shared memory and the records that the checks keep of it.
#pragma once

#include <string>
#include <vector>

#include "ptx/kernel.h"

namespace simulated {

struct Group;
struct InstructionCounts;
struct Launch;

// Lanes that run together until they reach `join`, where an entry below continues.
struct StackEntry {
  int next;  // instruction
  int join;
  LaneMask mask;
};

// A copy of cp.async that has not arrived.
struct PendingCopy {
  int lane;
  u32 to;
  u64 from;
  u32 bytes;
  u32 bytesTaken;  // the rest becomes zeros
  u32 set;         // number of its commit, or `uncommitted`
  const Instruction* instruction;
};
constexpr u32 uncommitted = ~0u;

struct Warp {
  u8* registers = nullptr;
  u32* predicates = nullptr;  // bit N is that of lane N
  Group* group = nullptr;
  int number = 0;
  LaneMask items = 0;  // lanes that have a work-item
  LaneMask alive = 0;  // of these, the lanes that have not returned
  std::vector<StackEntry> stack;
  bool isWaiting = false;
  bool isDone = false;
  u64 epoch = 0;  // changes at each bar.warp.sync and barrier
  std::vector<PendingCopy> copies;
  u32 committedSets[warpSize] = {};
  std::vector<u8> privateMemory;  // [warpSize][Kernel::localBytes]
  std::vector<u8> registerFile;
  std::vector<u32> predicateFile;
};

// Who touched 4 bytes of shared memory. Epochs number the stretches between barriers, over all
// groups.
struct SharedCell {
  u64 writeEpoch = 0, readEpoch = 0;
  u64 writeWarpEpoch = 0, readWarpEpoch = 0;
  u64 pendingIn = 0;             // serial number of the group in which a copy to it is under way
  u64 writtenIn = 0;             // serial number of the group in which `bytes` were written
  u16 writer = 0, reader = 0;    // item in the group
  bool hasOtherReaders = false;  // lanes of the reader's warp
  bool hasReadersInOtherWarps = false;
  u8 bytes = 0;  // mask
};

struct Group {
  Launch* launch = nullptr;
  const Kernel* kernel = nullptr;
  u64 id[3] = {};
  u64 number = 0;
  u64 serial = 0;  // over all groups of all launches
  u64 epoch = 0;
  bool isSampled = false;   // its memory accesses are counted
  double instructions = 0;  // that its warps ran
  std::vector<u8> shared;
  std::vector<SharedCell> cells;
  std::vector<Warp> warps;
  InstructionCounts* counts = nullptr;  // of the instruction that runs
  int recentRange = 0;                  // in Launch::ranges
  // Of a sampled group, what it loads through the first-level cache, in order.
  std::vector<u64> cachedSectors;
};

// For reports: the kernel with its line, and the item.
std::string placeOf(const Warp& warp, const Instruction& instruction);
std::string itemOf(const Warp& warp, int lane);

}  // namespace simulated
