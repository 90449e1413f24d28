// Names of the integer types, and the lanes of a warp as a mask.
#pragma once

#include <cstdint>

namespace simulated {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

constexpr int warpSize = 32;

// Bit N stands for lane N.
using LaneMask = u32;
constexpr LaneMask allLanes = ~0u;

inline bool contains(LaneMask mask, int lane) { return mask >> lane & 1; }

template <class Integer>
Integer roundedUp(Integer value, Integer multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace simulated
