// Arithmetic of integers.
#include <algorithm>

#include "machine/handlers.h"
#include "machine/lanes.h"
#include "ptx/text.h"

namespace simulated {

namespace {

// PTX leaves division by zero open; a GPU gives all ones.
template <class T>
T quotient(T a, T b) {
  if (b == 0) return static_cast<T>(~static_cast<T>(0));
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
  return a / b;
}

template <class T>
T remainder(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return 0;
  return a % b;
}

template <class T>
T highProduct(T a, T b) {
  constexpr int bits = 8 * sizeof(T);
  if constexpr (sizeof(T) == 8 && std::is_signed_v<T>)
    return static_cast<T>(static_cast<__int128>(a) * b >> bits);
  else if constexpr (sizeof(T) == 8)
    return static_cast<T>(static_cast<unsigned __int128>(a) * b >> bits);
  else if constexpr (std::is_signed_v<T>)
    return static_cast<T>(static_cast<i64>(a) * static_cast<i64>(b) >> bits);
  else
    return static_cast<T>(static_cast<u64>(a) * static_cast<u64>(b) >> bits);
}

// Shifts by the width or more give zeros, or copies of the sign.
template <class T>
T shiftedLeft(T a, u32 count) {
  return count >= 8 * sizeof(T) ? 0
                                : static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) << count);
}

template <class T>
T shiftedRight(T a, u32 count) {
  constexpr u32 bits = 8 * sizeof(T);
  if (count >= bits) return std::is_signed_v<T> && a < 0 ? static_cast<T>(-1) : 0;
  return static_cast<T>(a >> count);
}

u32 reversed(u32 value) {
  u32 result = 0;
  for (int bit = 0; bit < 32; ++bit) result |= (value >> bit & 1) << (31 - bit);
  return result;
}

// `prmt`: each nibble of the selector picks one of eight bytes, or its sign.
u32 permuted(u32 a, u32 b, u32 selector) {
  const u64 bytes = static_cast<u64>(b) << 32 | a;
  u32 result = 0;
  for (int i = 0; i < 4; ++i) {
    const u32 choice = selector >> 4 * i & 15;
    u32 byte = bytes >> 8 * (choice & 7) & 255;
    if (choice & 8) byte = byte & 128 ? 255 : 0;
    result |= byte << 8 * i;
  }
  return result;
}

template <class T>
T extracted(T value, u32 position, u32 length) {
  constexpr u32 bits = 8 * sizeof(T);
  position &= 255;
  length &= 255;
  if (length == 0) return 0;
  const u64 shifted = static_cast<u64>(shiftedRight<i64>(
      std::is_signed_v<T> ? static_cast<i64>(value)
                          : static_cast<i64>(static_cast<std::make_unsigned_t<T>>(value)),
      std::min(position, 63u)));
  if (length >= bits) return static_cast<T>(shifted);
  u64 result = shifted & ((1ull << length) - 1);
  if (std::is_signed_v<T> && result >> (length - 1) & 1) result |= ~0ull << length;
  return static_cast<T>(result);
}

template <class T>
void extractField(Warp& warp, const Instruction& instruction, LaneMask mask) {
  auto* result = lanes<T>(warp, instruction.operands[0]);
  auto* value = lanes<T>(warp, instruction.operands[1]);
  auto* position = lanes<u32>(warp, instruction.operands[2]);
  auto* length = lanes<u32>(warp, instruction.operands[3]);
  forEachLane(mask, [=](int lane) {
    result[lane] =
        laneOf<T>(extracted<T>(static_cast<T>(value[lane]), position[lane], length[lane]));
  });
}

// `bfi d, field, base, position, length`
void insertField(Warp& warp, const Instruction& instruction, LaneMask mask) {
  auto* result = lanes<u32>(warp, instruction.operands[0]);
  auto* field = lanes<u32>(warp, instruction.operands[1]);
  auto* base = lanes<u32>(warp, instruction.operands[2]);
  auto* position = lanes<u32>(warp, instruction.operands[3]);
  auto* length = lanes<u32>(warp, instruction.operands[4]);
  forEachLane(mask, [=](int lane) {
    const u32 shift = std::min(position[lane] & 255, 63u),
              count = std::min(length[lane] & 255, 32u);
    const u64 bits = ((1ull << count) - 1) << shift;
    result[lane] =
        static_cast<u32>((base[lane] & ~bits) | ((static_cast<u64>(field[lane]) << shift) & bits));
  });
}

template <class T>
Handler widening(const std::string& name) {
  using Unsigned = std::conditional_t<sizeof(T) == 4, u64, u32>;
  using W = std::conditional_t<std::is_signed_v<T>, std::make_signed_t<Unsigned>, Unsigned>;
  if (name == "mul")
    return binary<W, T, T>([](T a, T b) { return static_cast<W>(a) * static_cast<W>(b); });
  if (name == "mad")
    return ternary<W, T, T, W>([](T a, T b, W c) {
      return static_cast<u64>(static_cast<W>(a) * static_cast<W>(b)) + static_cast<u64>(c);
    });
  return nullptr;
}

template <class T>
Handler onBits32(const std::string& name) {
  if (name == "popc") return unary<u32, u32>([](u32 a) { return __builtin_popcount(a); });
  if (name == "clz") return unary<u32, u32>([](u32 a) { return a ? __builtin_clz(a) : 32; });
  if (name == "brev") return unary<u32, u32>([](u32 a) { return reversed(a); });
  if (name == "bfi") return insertField;
  if (name == "prmt")
    return ternary<u32, u32, u32, u32>([](u32 a, u32 b, u32 c) { return permuted(a, b, c); });
  return nullptr;
}

template <class T>
Handler integerHandler(const std::vector<std::string>& parts) {
  using U = std::make_unsigned_t<T>;
  const std::string& name = parts[0];
  if (has(parts, "sat") || has(parts, "cc")) return nullptr;
  if (has(parts, "wide")) return sizeof(T) <= 4 ? widening<T>(name) : nullptr;
  if (has(parts, "hi"))
    return name == "mul" ? binary<T, T, T>([](T a, T b) { return highProduct<T>(a, b); }) : nullptr;
  if (name == "add") return binary<T, T, T>([](T a, T b) { return U(a) + U(b); });
  if (name == "sub") return binary<T, T, T>([](T a, T b) { return U(a) - U(b); });
  // In 64 bits, because products of small unsigned types would be signed.
  if (name == "mul") return binary<T, T, T>([](T a, T b) { return u64(U(a)) * u64(U(b)); });
  if (name == "mad")
    return ternary<T, T, T, T>([](T a, T b, T c) { return u64(U(a)) * u64(U(b)) + u64(U(c)); });
  if (name == "div") return binary<T, T, T>([](T a, T b) { return quotient<T>(a, b); });
  if (name == "rem") return binary<T, T, T>([](T a, T b) { return remainder<T>(a, b); });
  if (name == "neg") return unary<T, T>([](T a) { return U(0) - U(a); });
  if (name == "abs") return unary<T, T>([](T a) { return a < 0 ? U(0) - U(a) : U(a); });
  if (name == "min") return binary<T, T, T>([](T a, T b) { return a < b ? a : b; });
  if (name == "max") return binary<T, T, T>([](T a, T b) { return a > b ? a : b; });
  if (name == "not") return unary<T, T>([](T a) { return ~a; });
  if (name == "cnot") return unary<T, T>([](T a) { return a == 0; });
  if (name == "and") return binary<T, T, T>([](T a, T b) { return a & b; });
  if (name == "or") return binary<T, T, T>([](T a, T b) { return a | b; });
  if (name == "xor") return binary<T, T, T>([](T a, T b) { return a ^ b; });
  if (name == "shl") return binary<T, T, u32>([](T a, u32 b) { return shiftedLeft<T>(a, b); });
  if (name == "shr") return binary<T, T, u32>([](T a, u32 b) { return shiftedRight<T>(a, b); });
  if (name == "bfe") return extractField<T>;
  return sizeof(T) == 4 ? onBits32<T>(name) : nullptr;
}

}  // namespace

Handler arithmeticHandler(const std::vector<std::string>& parts) {
  const std::string& type = parts.back();
  if (type == "f32" || type == "f64") return floatHandler(parts);
  if (type == "s16") return integerHandler<i16>(parts);
  if (type == "s32") return integerHandler<i32>(parts);
  if (type == "s64") return integerHandler<i64>(parts);
  if (type == "u16" || type == "b16") return integerHandler<u16>(parts);
  if (type == "u32" || type == "b32") return integerHandler<u32>(parts);
  if (type == "u64" || type == "b64") return integerHandler<u64>(parts);
  return nullptr;
}

}  // namespace simulated
