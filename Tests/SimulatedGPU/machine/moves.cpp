// Moves, packing, selection, logic of predicates and exchange between lanes.
#include <cstring>

#include "machine/handlers.h"
#include "machine/lanes.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

template <class T>
Handler move() {
  return unary<T, T>([](T a) { return a; });
}

template <class T>
void addImmediate(Warp& warp, const Instruction& instruction, LaneMask mask) {
  auto* result = lanes<T>(warp, instruction.operands[0]);
  auto* a = lanes<T>(warp, instruction.operands[1]);
  const T immediate = static_cast<T>(instruction.immediate);
  forEachLane(mask, [=](int lane) { result[lane] = a[lane] + immediate; });
}

void movePredicate(Warp& warp, const Instruction& instruction, LaneMask mask) {
  const int source = instruction.operands[1];
  const LaneMask value =
      source < 0 ? static_cast<LaneMask>(instruction.immediate) : warp.predicates[source];
  setPredicate(warp, instruction.operands[0], mask, value);
}

u64 partMask(const Instruction& instruction) { return (1ull << 8 * instruction.elementBytes) - 1; }

// One register from parts, the lowest first.
template <class T>
void pack(Warp& warp, const Instruction& instruction, LaneMask mask) {
  auto* result = lanes<T>(warp, instruction.operands[0]);
  const u64 part = partMask(instruction);
  const int bits = 8 * instruction.elementBytes;
  forEachLane(mask, [&](int lane) {
    u64 value = 0;
    for (int i = 0; i < instruction.elements; ++i)
      value |= (lanes<u32>(warp, instruction.operands[1 + i])[lane] & part) << bits * i;
    result[lane] = static_cast<T>(value);
  });
}

template <class T>
void unpack(Warp& warp, const Instruction& instruction, LaneMask mask) {
  T values[warpSize];  // a part may go to the register that is taken apart
  std::memcpy(values, lanes<T>(warp, instruction.operands[0]), sizeof values);
  const u64 part = partMask(instruction);
  const int bits = 8 * instruction.elementBytes;
  for (int i = 0; i < instruction.elements; ++i) {
    auto* result = lanes<u32>(warp, instruction.operands[1 + i]);
    forEachLane(mask, [&](int lane) { result[lane] = values[lane] >> bits * i & part; });
  }
}

template <class T>
void select(Warp& warp, const Instruction& instruction, LaneMask mask) {
  auto* result = lanes<T>(warp, instruction.operands[0]);
  auto* a = lanes<T>(warp, instruction.operands[1]);
  auto* b = lanes<T>(warp, instruction.operands[2]);
  const u32 predicate = warp.predicates[instruction.operands[3]];
  forEachLane(mask,
              [=](int lane) { result[lane] = contains(predicate, lane) ? a[lane] : b[lane]; });
}

void predicateLogic(Warp& warp, const Instruction& instruction, LaneMask mask) {
  const LaneMask a = warp.predicates[instruction.operands[1]];
  const LaneMask b = warp.predicates[instruction.operands[2]];
  LaneMask value = 0;
  switch (instruction.logic) {
    case Logic::conjunction: value = a & b; break;
    case Logic::disjunction: value = a | b; break;
    case Logic::exclusive: value = a ^ b; break;
    case Logic::negation: value = ~a; break;
  }
  setPredicate(warp, instruction.operands[0], mask, value);
}

// `shfl.sync`, as the PTX ISA defines it: the clamp holds a mask of segments above bit 8.
void shuffle(Warp& warp, const Instruction& instruction, LaneMask mask) {
  u32 values[warpSize];
  std::memcpy(values, lanes<u32>(warp, instruction.operands[1]), sizeof values);
  auto* result = lanes<u32>(warp, instruction.operands[0]);
  const auto* distances = lanes<u32>(warp, instruction.operands[2]);
  const auto* clamps = lanes<u32>(warp, instruction.operands[3]);
  LaneMask inRange = 0;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!contains(mask, lane)) continue;
    const int distance = distances[lane] & 31, clamp = clamps[lane] & 31;
    const int segment = clamps[lane] >> 8 & 31;
    const int lowest = lane & segment, highest = lowest | (clamp & ~segment);
    int from = lane;
    bool isInRange = false;
    switch (instruction.shuffle) {
      case ShuffleMode::up:
        from = lane - distance;
        isInRange = from >= highest;
        break;
      case ShuffleMode::down:
        from = lane + distance;
        isInRange = from <= highest;
        break;
      case ShuffleMode::butterfly:
        from = lane ^ distance;
        isInRange = from <= highest;
        break;
      case ShuffleMode::index:
        from = lowest | (distance & ~segment);
        isInRange = from <= highest;
        break;
    }
    if (!isInRange) from = lane;
    if (!contains(mask, from))
      trouble("shfl reads an inactive lane", placeOf(warp, instruction), itemOf(warp, lane));
    result[lane] = values[from];
    inRange |= static_cast<LaneMask>(isInRange) << lane;
  }
  if (instruction.operands[4] >= 0) setPredicate(warp, instruction.operands[4], mask, inRange);
}

}  // namespace

void doNothing(Warp&, const Instruction&, LaneMask) {}

Handler narrowHandler() {
  return unary<u32, u64>([](u64 a) { return static_cast<u32>(a); });
}
Handler addImmediateHandler(int bytes) {
  return bytes == 8 ? addImmediate<u64> : addImmediate<u32>;
}
Handler moveHandler(int bytes) { return bytes == 8 ? move<u64>() : move<u32>(); }
Handler movePredicateHandler() { return movePredicate; }
Handler packHandler(int bytes) { return bytes == 8 ? pack<u64> : pack<u32>; }
Handler unpackHandler(int bytes) { return bytes == 8 ? unpack<u64> : unpack<u32>; }
Handler selectionHandler(int bytes) { return bytes == 8 ? select<u64> : select<u32>; }
Handler predicateLogicHandler() { return predicateLogic; }
Handler shuffleHandler() { return shuffle; }

}  // namespace simulated
