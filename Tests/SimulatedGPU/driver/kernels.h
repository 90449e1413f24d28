// Limits of a kernel's groups.
#pragma once

#include "driver/objects.h"

namespace simulated {

constexpr u64 mostItemsOfGroup = 1024;

// The most items of a group that have enough registers.
u64 mostItems(const _cl_kernel& kernel);

}  // namespace simulated
