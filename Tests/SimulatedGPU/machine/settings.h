// The settings of the simulated device, read once from environment variables that begin with
// SIMULATED_GPU_. docs/simulated-gpu.md describes them.
#pragma once

#include <string>

#include "ptx/types.h"

namespace simulated {

struct Settings {
  // What the device says that it is.
  std::string name = "NVIDIA H200";
  u32 computeCapability = 90;
  u32 computeUnits = 132;
  u64 memoryBytes = 150754820096;
  u32 cudaVersion = 13050;

  // Checks that cost time.
  bool checksSharedRaces = true;
  bool checksGlobalRaces = true;
  bool reportsLeaks = true;  // objects that are alive when the process ends

  // Other orders and roundings that a GPU may have.
  bool reversesGroups = false;
  u32 warpSeed = 0;  // 0: warps in the order of their numbers
  bool copiesArriveEarly = false;
  bool truncatesMatrixSums = false;
  bool waitsForFlush = true;

  // Failures on request; 0 for none.
  u64 failingLaunch = 0;
  u64 failingBuffer = 0;
  u64 faultingLaunch = 0;  // of CUDA, whose calls all fail from then on

  // Counts of instructions.
  std::string statistics;     // the file; empty for none
  u64 sampledGroups = 4;      // groups of a launch whose memory accesses are counted
  bool cutsLaunches = false;  // long launches run a few groups only: counts right, results wrong
  u64 wholeLaunches = 70;     // before the first that is cut

  // The build of programs.
  std::string clang, clangOptions, libclc, ptxas, cache;

  std::string report;  // the file; empty for none
};

// Ends the process with exit code 64 if a variable has an illegal value or an unknown name.
const Settings& settings();

}  // namespace simulated
