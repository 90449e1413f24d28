// Runs the instructions of one warp.
#pragma once

#include "machine/counts.h"
#include "machine/warp.h"

namespace simulated {

enum class Outcome { isDone, waitsAtBarrier };

// Runs a warp to its next barrier, or to its end.
Outcome runWarp(Warp& warp, KernelCounts& counts);

}  // namespace simulated
