// Arithmetic of floats. The approximate instructions are exact here.
#include <cfenv>
#include <cmath>

#include "machine/handlers.h"
#include "machine/lanes.h"
#include "ptx/text.h"

namespace simulated {

namespace {

// Without `.NaN`, the result is the operand that is a number. -0 is less than 0.
template <class T>
T smaller(T a, T b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  return b < a || (a == b && std::signbit(b)) ? b : a;
}

template <class T>
T larger(T a, T b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  return b > a || (a == b && std::signbit(a)) ? b : a;
}

template <class T>
bool eitherIsNaN(T a, T b) {
  return std::isnan(a) || std::isnan(b);
}

template <class T>
Handler extremum(const std::string& name, bool keepsNaN) {
  if (name == "min" && keepsNaN)
    return binary<T, T, T>([](T a, T b) { return eitherIsNaN(a, b) ? T(NAN) : smaller(a, b); });
  if (name == "max" && keepsNaN)
    return binary<T, T, T>([](T a, T b) { return eitherIsNaN(a, b) ? T(NAN) : larger(a, b); });
  if (name == "min") return binary<T, T, T>([](T a, T b) { return smaller(a, b); });
  return binary<T, T, T>([](T a, T b) { return larger(a, b); });
}

template <class T>
Handler specialFunction(const std::string& name) {
  if (name == "rcp") return unary<T, T>([](T a) { return T(1) / a; });
  if (name == "sqrt") return unary<T, T>([](T a) { return std::sqrt(a); });
  if (name == "rsqrt") return unary<T, T>([](T a) { return T(1) / std::sqrt(a); });
  if (name == "ex2") return unary<T, T>([](T a) { return std::exp2(a); });
  if (name == "lg2") return unary<T, T>([](T a) { return std::log2(a); });
  if (name == "sin") return unary<T, T>([](T a) { return std::sin(a); });
  if (name == "cos") return unary<T, T>([](T a) { return std::cos(a); });
  if (name == "tanh") return unary<T, T>([](T a) { return std::tanh(a); });
  return nullptr;
}

// `.ftz`: numbers that are not normal are zeros.
float flushed(float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; }

Handler flushingHandler(const std::string& name) {
  if (name == "add")
    return binary<float, float, float>(
        [](float a, float b) { return flushed(flushed(a) + flushed(b)); });
  if (name == "mul")
    return binary<float, float, float>(
        [](float a, float b) { return flushed(flushed(a) * flushed(b)); });
  if (name == "rcp") return unary<float, float>([](float a) { return flushed(1 / flushed(a)); });
  if (name == "ex2")
    return unary<float, float>([](float a) { return flushed(std::exp2(flushed(a))); });
  if (name == "lg2")
    return unary<float, float>([](float a) { return flushed(std::log2(flushed(a))); });
  return nullptr;
}

// Rounds in another direction than to the nearest.
template <int direction>
float inDirection(float a, float b, float c) {
  const int before = std::fegetround();
  std::fesetround(direction);
  const volatile float left = a, right = b, addend = c;
  const volatile float result = std::fma(left, right, addend);
  std::fesetround(before);
  return result;
}

template <int direction>
Handler directedHandler(const std::string& name) {
  if (name == "fma")
    return ternary<float, float, float, float>(
        [](float a, float b, float c) { return inDirection<direction>(a, b, c); });
  if (name == "add")
    return binary<float, float, float>(
        [](float a, float b) { return inDirection<direction>(a, 1, b); });
  return nullptr;
}

template <class T>
Handler handlerOf(const std::vector<std::string>& parts) {
  const std::string& name = parts[0];
  if (has(parts, "sat")) return nullptr;
  const bool isSingle = std::is_same_v<T, float>;
  if (has(parts, "ftz")) return isSingle ? flushingHandler(name) : nullptr;
  if (has(parts, "rz")) return isSingle ? directedHandler<FE_TOWARDZERO>(name) : nullptr;
  if (has(parts, "rm")) return isSingle ? directedHandler<FE_DOWNWARD>(name) : nullptr;
  if (has(parts, "rp")) return isSingle ? directedHandler<FE_UPWARD>(name) : nullptr;
  if (name == "add") return binary<T, T, T>([](T a, T b) { return a + b; });
  if (name == "sub") return binary<T, T, T>([](T a, T b) { return a - b; });
  if (name == "mul") return binary<T, T, T>([](T a, T b) { return a * b; });
  if (name == "div") return binary<T, T, T>([](T a, T b) { return a / b; });
  if (name == "fma" || name == "mad")
    return ternary<T, T, T, T>([](T a, T b, T c) { return std::fma(a, b, c); });
  if (name == "neg") return unary<T, T>([](T a) { return -a; });
  if (name == "abs") return unary<T, T>([](T a) { return std::fabs(a); });
  // The sign is that of the first operand.
  if (name == "copysign") return binary<T, T, T>([](T a, T b) { return std::copysign(b, a); });
  if (name == "min" || name == "max") return extremum<T>(name, has(parts, "NaN"));
  return specialFunction<T>(name);
}

}  // namespace

Handler floatHandler(const std::vector<std::string>& parts) {
  return parts.back() == "f32" ? handlerOf<float>(parts) : handlerOf<double>(parts);
}

}  // namespace simulated
