// `cvt`: conversions between numbers.
#include <immintrin.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "machine/handlers.h"
#include "machine/lanes.h"

namespace simulated {

float floatOfHalf(u16 bits) { return _cvtsh_ss(bits); }

u16 halfOfFloat(float value) { return _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT); }

u16 bfloatOfFloat(float value) {
  u32 bits;
  std::memcpy(&bits, &value, 4);
  if (std::isnan(value)) return 0x7FFF;  // the only NaN that the instruction makes
  return static_cast<u16>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

namespace {

// tf32 has 10 bits of fraction; halves round away from zero.
u32 tf32OfFloat(u32 bits) {
  const bool isFinite = (bits & 0x7F800000) != 0x7F800000;
  if (isFinite) return (bits + 0x1000) & ~0x1FFFu;
  return bits & 0x7FFFFF ? 0x7FFFFFFF : bits;
}

template <class Integer, class Float>
Integer saturated(Float value) {
  using Limits = std::numeric_limits<Integer>;
  if (std::isnan(value)) return 0;
  if (value <= static_cast<Float>(Limits::min())) return Limits::min();
  if (value >= static_cast<Float>(Limits::max())) return Limits::max();
  return static_cast<Integer>(value);
}

template <class D, class A>
Handler plain() {
  return unary<D, A>([](A a) { return static_cast<D>(a); });
}

template <class D>
Handler fromInteger(const std::string& type) {
  if (type == "u8") return plain<D, u8>();
  if (type == "s8") return plain<D, i8>();
  if (type == "u16" || type == "b16") return plain<D, u16>();
  if (type == "s16") return plain<D, i16>();
  if (type == "u32" || type == "b32") return plain<D, u32>();
  if (type == "s32") return plain<D, i32>();
  if (type == "u64" || type == "b64") return plain<D, u64>();
  if (type == "s64") return plain<D, i64>();
  return nullptr;
}

// From a float to an integer, or to a whole number of the same type.
template <class D, class A>
Handler rounded(const std::string& rounding) {
  auto handler = [](auto round) {
    return unary<D, A>([](A a) {
      const A whole = decltype(round){}(a);
      if constexpr (std::is_floating_point_v<D>)
        return whole;
      else
        return saturated<D, A>(whole);
    });
  };
  if (rounding == "rzi") return handler([](A a) { return std::trunc(a); });
  if (rounding == "rni") return handler([](A a) { return std::nearbyint(a); });
  if (rounding == "rmi") return handler([](A a) { return std::floor(a); });
  if (rounding == "rpi") return handler([](A a) { return std::ceil(a); });
  return nullptr;
}

template <class A>
Handler toInteger(const std::string& type, const std::string& rounding) {
  if (type == "s16") return rounded<i16, A>(rounding);
  if (type == "u16") return rounded<u16, A>(rounding);
  if (type == "s32") return rounded<i32, A>(rounding);
  if (type == "u32") return rounded<u32, A>(rounding);
  if (type == "s64") return rounded<i64, A>(rounding);
  if (type == "u64") return rounded<u64, A>(rounding);
  return nullptr;
}

Handler betweenIntegers(const std::string& to, const std::string& from) {
  if (to == "u8") return fromInteger<u8>(from);
  if (to == "s8") return fromInteger<i8>(from);
  if (to == "u16" || to == "b16") return fromInteger<u16>(from);
  if (to == "s16") return fromInteger<i16>(from);
  if (to == "u32" || to == "b32") return fromInteger<u32>(from);
  if (to == "s32") return fromInteger<i32>(from);
  if (to == "u64" || to == "b64") return fromInteger<u64>(from);
  if (to == "s64") return fromInteger<i64>(from);
  return nullptr;
}

u32 packed(u16 high, u16 low) { return static_cast<u32>(high) << 16 | low; }

Handler toNarrowFloat(const std::string& to, const std::string& rounding) {
  if (to == "f16" && rounding == "rz")
    return unary<u16, float>(
        [](float a) { return static_cast<u16>(_cvtss_sh(a, _MM_FROUND_TO_ZERO)); });
  if (to == "tf32")
    return rounding == "rna" ? unary<u32, u32>([](u32 a) { return tf32OfFloat(a); }) : nullptr;
  if (rounding != "rn") return nullptr;
  if (to == "f16") return unary<u16, float>([](float a) { return halfOfFloat(a); });
  if (to == "bf16") return unary<u16, float>([](float a) { return bfloatOfFloat(a); });
  // The first operand becomes the upper half.
  if (to == "f16x2")
    return binary<u32, float, float>(
        [](float a, float b) { return packed(halfOfFloat(a), halfOfFloat(b)); });
  if (to == "bf16x2")
    return binary<u32, float, float>(
        [](float a, float b) { return packed(bfloatOfFloat(a), bfloatOfFloat(b)); });
  return nullptr;
}

}  // namespace

Handler conversionHandler(const std::vector<std::string>& parts) {
  // From 0 to 1; a NaN becomes 0.
  if (parts == std::vector<std::string>{"cvt", "sat", "f32", "f32"})
    return unary<float, float>([](float a) { return a > 0 ? std::fmin(a, 1.0f) : 0.0f; });
  for (const std::string& part : parts)
    if (part == "sat" || part == "ftz" || part == "relu") return nullptr;
  if (parts.size() < 3) return nullptr;
  const std::string& from = parts.back();
  const std::string& to = parts[parts.size() - 2];
  const std::string rounding = parts.size() > 3 ? parts[1] : "";
  if (from == "f16")
    return to == "f32" ? unary<float, u16>([](u16 a) { return floatOfHalf(a); }) : nullptr;
  if (from == "f32") {
    if (to == "f32") return rounded<float, float>(rounding);
    if (to == "f64") return plain<double, float>();
    if (to == "tf32" || to.find("f16") != std::string::npos) return toNarrowFloat(to, rounding);
    return toInteger<float>(to, rounding);
  }
  if (from == "f64") {
    if (to == "f32") return rounding == "rn" ? plain<float, double>() : nullptr;
    if (to == "f64") return rounded<double, double>(rounding);
    return toInteger<double>(to, rounding);
  }
  if (to == "f32") return rounding == "rn" ? fromInteger<float>(from) : nullptr;
  if (to == "f64") return rounding == "rn" ? fromInteger<double>(from) : nullptr;
  return betweenIntegers(to, from);
}

}  // namespace simulated
