// Arithmetic on the 32 lanes of a warp at once.
//
// A value narrower than 4 bytes lies in the low bytes of a 4-byte place; the bytes above it are
// zero.
#pragma once

#include <type_traits>

#include "machine/warp.h"
#include "ptx/kernel.h"

namespace simulated {

template <class T>
using Lane = std::conditional_t<(sizeof(T) < 4), u32, T>;

template <class T>
Lane<T>* lanes(Warp& warp, int place) {
  return reinterpret_cast<Lane<T>*>(warp.registers + place);
}

template <class T>
Lane<T> laneOf(T value) {
  if constexpr (sizeof(T) < 4)
    return static_cast<std::make_unsigned_t<T>>(value);
  else
    return value;
}

// The loop without a mask is one that the compiler turns into vector instructions.
template <class Body>
inline __attribute__((always_inline)) void forEachLane(LaneMask mask, Body body) {
  if (mask == allLanes) {
#pragma GCC ivdep
    for (int lane = 0; lane < warpSize; ++lane) body(lane);
  } else {
    for (int lane = 0; lane < warpSize; ++lane)
      if (contains(mask, lane)) body(lane);
  }
}

// Handlers from a function of one, two or three values: D is the type of the result.
template <class D, class A, class Function>
Handler unary(Function) {
  return [](Warp& warp, const Instruction& instruction, LaneMask mask) {
    auto* result = lanes<D>(warp, instruction.operands[0]);
    auto* a = lanes<A>(warp, instruction.operands[1]);
    forEachLane(mask, [=](int lane) {
      result[lane] = laneOf<D>(static_cast<D>(Function{}(static_cast<A>(a[lane]))));
    });
  };
}

template <class D, class A, class B, class Function>
Handler binary(Function) {
  return [](Warp& warp, const Instruction& instruction, LaneMask mask) {
    auto* result = lanes<D>(warp, instruction.operands[0]);
    auto* a = lanes<A>(warp, instruction.operands[1]);
    auto* b = lanes<B>(warp, instruction.operands[2]);
    forEachLane(mask, [=](int lane) {
      result[lane] =
          laneOf<D>(static_cast<D>(Function{}(static_cast<A>(a[lane]), static_cast<B>(b[lane]))));
    });
  };
}

template <class D, class A, class B, class C, class Function>
Handler ternary(Function) {
  return [](Warp& warp, const Instruction& instruction, LaneMask mask) {
    auto* result = lanes<D>(warp, instruction.operands[0]);
    auto* a = lanes<A>(warp, instruction.operands[1]);
    auto* b = lanes<B>(warp, instruction.operands[2]);
    auto* c = lanes<C>(warp, instruction.operands[3]);
    forEachLane(mask, [=](int lane) {
      result[lane] = laneOf<D>(static_cast<D>(
          Function{}(static_cast<A>(a[lane]), static_cast<B>(b[lane]), static_cast<C>(c[lane]))));
    });
  };
}

inline void setPredicate(Warp& warp, int number, LaneMask mask, LaneMask value) {
  warp.predicates[number] = (warp.predicates[number] & ~mask) | (value & mask);
}

// Conversions of 16-bit floats (conversions.cpp).
float floatOfHalf(u16 bits);
u16 halfOfFloat(float value);
u16 bfloatOfFloat(float value);

}  // namespace simulated
