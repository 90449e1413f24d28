// `setp`: comparisons of integers, floats and halves.
#include "machine/handlers.h"
#include "machine/lanes.h"

namespace simulated {

namespace {

// 16-bit floats are compared as 32-bit ones.
struct Half {};

template <class T>
auto valueOf(Warp& warp, int place, int lane) {
  if constexpr (std::is_same_v<T, Half>)
    return floatOfHalf(static_cast<u16>(lanes<u16>(warp, place)[lane]));
  else
    return static_cast<T>(lanes<T>(warp, place)[lane]);
}
// A comparison of all lanes, combined with a predicate if there is one.
LaneMask combined(const Warp& warp, const Instruction& instruction, LaneMask value) {
  if (instruction.operands[4] < 0) return value;
  LaneMask other = warp.predicates[instruction.operands[4]];
  if (instruction.negatesPredicate) other = ~other;
  switch (instruction.logic) {
    case Logic::conjunction: return value & other;
    case Logic::disjunction: return value | other;
    default: return value ^ other;
  }
}

void store(Warp& warp, const Instruction& instruction, LaneMask mask, LaneMask holds) {
  const LaneMask value = combined(warp, instruction, holds);
  const LaneMask complement = combined(warp, instruction, ~holds);
  setPredicate(warp, instruction.operands[0], mask, value);
  if (instruction.operands[3] >= 0) setPredicate(warp, instruction.operands[3], mask, complement);
}

template <class T, class Function>
Handler comparison(Function) {
  return [](Warp& warp, const Instruction& instruction, LaneMask mask) {
    LaneMask holds = 0;
    for (int lane = 0; lane < warpSize; ++lane) {
      const bool result = Function{}(valueOf<T>(warp, instruction.operands[1], lane),
                                     valueOf<T>(warp, instruction.operands[2], lane));
      holds |= static_cast<LaneMask>(result) << lane;
    }
    store(warp, instruction, mask, holds);
  };
}

template <class T>
Handler integerComparison(const std::string& name) {
  if (name == "eq") return comparison<T>([](T a, T b) { return a == b; });
  if (name == "ne") return comparison<T>([](T a, T b) { return a != b; });
  if (name == "lt" || name == "lo") return comparison<T>([](T a, T b) { return a < b; });
  if (name == "le" || name == "ls") return comparison<T>([](T a, T b) { return a <= b; });
  if (name == "gt" || name == "hi") return comparison<T>([](T a, T b) { return a > b; });
  if (name == "ge" || name == "hs") return comparison<T>([](T a, T b) { return a >= b; });
  return nullptr;
}

// Those that end in `u` also hold if one of the operands is NaN.
template <class T, class Value>
Handler floatComparison(const std::string& name) {
  using V = Value;
  if (name == "eq") return comparison<T>([](V a, V b) { return a == b; });
  if (name == "ne") return comparison<T>([](V a, V b) { return a < b || a > b; });
  if (name == "lt") return comparison<T>([](V a, V b) { return a < b; });
  if (name == "le") return comparison<T>([](V a, V b) { return a <= b; });
  if (name == "gt") return comparison<T>([](V a, V b) { return a > b; });
  if (name == "ge") return comparison<T>([](V a, V b) { return a >= b; });
  if (name == "equ") return comparison<T>([](V a, V b) { return !(a < b || a > b); });
  if (name == "neu") return comparison<T>([](V a, V b) { return a != b; });
  if (name == "ltu") return comparison<T>([](V a, V b) { return !(a >= b); });
  if (name == "leu") return comparison<T>([](V a, V b) { return !(a > b); });
  if (name == "gtu") return comparison<T>([](V a, V b) { return !(a <= b); });
  if (name == "geu") return comparison<T>([](V a, V b) { return !(a < b); });
  if (name == "num") return comparison<T>([](V a, V b) { return a == a && b == b; });
  if (name == "nan") return comparison<T>([](V a, V b) { return a != a || b != b; });
  return nullptr;
}

}  // namespace

Handler comparisonHandler(const std::string& comparison, const std::string& type) {
  if (type == "f16") return floatComparison<Half, float>(comparison);
  if (type == "f32") return floatComparison<float, float>(comparison);
  if (type == "f64") return floatComparison<double, double>(comparison);
  if (type == "s16") return integerComparison<i16>(comparison);
  if (type == "s32") return integerComparison<i32>(comparison);
  if (type == "s64") return integerComparison<i64>(comparison);
  if (type == "u16" || type == "b16") return integerComparison<u16>(comparison);
  if (type == "u32" || type == "b32") return integerComparison<u32>(comparison);
  if (type == "u64" || type == "b64") return integerComparison<u64>(comparison);
  return nullptr;
}

}  // namespace simulated
