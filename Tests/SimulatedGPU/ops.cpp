// Handlers of arithmetic: a warp's 32 lanes at once.
#include "machine.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <immintrin.h>

namespace ptx {
template <class T>
struct St {
  using S = T;
};
template <>
struct St<u16> {
  using S = u32;
};
template <>
struct St<i16> {
  using S = u32;
};
template <>
struct St<u8> {
  using S = u32;
};
template <>
struct St<i8> {
  using S = u32;
};
template <class T>
using S = typename St<T>::S;
template <class T>
static inline S<T>* at(Warp& w, int o) {
  return (S<T>*)(w.r + o);
}
template <class T>
static inline S<T> put(T v) {
  if constexpr (sizeof(T) < 4)
    return (u32)(typename std::make_unsigned<T>::type)v;
  else
    return v;
}

#define EACH(body)                                              \
  if (m == ~0u) {                                               \
    _Pragma("GCC ivdep") for (int l = 0; l < 32; ++l) { body; } \
  } else {                                                      \
    for (int l = 0; l < 32; ++l)                                \
      if (m >> l & 1) {                                         \
        body;                                                   \
      }                                                         \
  }

template <class D, class A, class F>
static inline void un(Warp& w, const Ins& i, u32 m, F f) {
  auto* d = at<D>(w, i.o[0]);
  auto* a = at<A>(w, i.o[1]);
  EACH(d[l] = put<D>(f((A)a[l])))
}
template <class D, class A, class B, class F>
static inline void bin(Warp& w, const Ins& i, u32 m, F f) {
  auto* d = at<D>(w, i.o[0]);
  auto* a = at<A>(w, i.o[1]);
  auto* b = at<B>(w, i.o[2]);
  EACH(d[l] = put<D>(f((A)a[l], (B)b[l])))
}
template <class D, class A, class B, class C, class F>
static inline void ter(Warp& w, const Ins& i, u32 m, F f) {
  auto* d = at<D>(w, i.o[0]);
  auto* a = at<A>(w, i.o[1]);
  auto* b = at<B>(w, i.o[2]);
  auto* c = at<C>(w, i.o[3]);
  EACH(d[l] = put<D>(f((A)a[l], (B)b[l], (C)c[l])))
}

void nothing(Warp&, const Ins&, u32) {}
void narrow(Warp& w, const Ins& i, u32 m) {
  un<u32, u64>(w, i, m, [](u64 a) { return (u32)a; });
}
void add64(Warp& w, const Ins& i, u32 m) {
  u64 k = i.offset;
  un<u64, u64>(w, i, m, [k](u64 a) { return a + k; });
}
void add32(Warp& w, const Ins& i, u32 m) {
  u32 k = (u32)i.offset;
  un<u32, u32>(w, i, m, [k](u32 a) { return a + k; });
}
void move32(Warp& w, const Ins& i, u32 m) {
  un<u32, u32>(w, i, m, [](u32 a) { return a; });
}
void move64(Warp& w, const Ins& i, u32 m) {
  un<u64, u64>(w, i, m, [](u64 a) { return a; });
}
void movePredicate(Warp& w, const Ins& i, u32 m) {
  u32 v = i.o[1] < 0 ? (u32)i.offset : w.p[i.o[1]];
  w.p[i.o[0]] = (w.p[i.o[0]] & ~m) | (v & m);
}
void predicateLogic(Warp& w, const Ins& i, u32 m) {
  u32 a = w.p[i.o[1]], b = w.p[i.o[2]];
  u32 v = i.size == 0 ? a & b : i.size == 1 ? a | b : i.size == 2 ? a ^ b : ~a;
  w.p[i.o[0]] = (w.p[i.o[0]] & ~m) | (v & m);
}
void select32(Warp& w, const Ins& i, u32 m) {
  u32 p = w.p[i.o[3]];
  auto* d = at<u32>(w, i.o[0]);
  auto* a = at<u32>(w, i.o[1]);
  auto* b = at<u32>(w, i.o[2]);
  EACH(d[l] = p >> l & 1 ? a[l] : b[l])
}
void select64(Warp& w, const Ins& i, u32 m) {
  u32 p = w.p[i.o[3]];
  auto* d = at<u64>(w, i.o[0]);
  auto* a = at<u64>(w, i.o[1]);
  auto* b = at<u64>(w, i.o[2]);
  EACH(d[l] = p >> l & 1 ? a[l] : b[l])
}
void pack32(Warp& w, const Ins& i, u32 m) {
  auto* d = at<u32>(w, i.o[0]);
  if (i.vec == 2) {
    auto* a = at<u32>(w, i.o[1]);
    auto* b = at<u32>(w, i.o[2]);
    EACH(d[l] = (a[l] & 0xFFFF) | b[l] << 16)
  } else {
    for (int l = 0; l < 32; ++l)
      if (m >> l & 1) {
        u32 v = 0;
        for (int k = 0; k < 4; ++k) v |= (at<u32>(w, i.o[1 + k])[l] & 0xFF) << 8 * k;
        d[l] = v;
      }
  }
}
void unpack32(Warp& w, const Ins& i, u32 m) {
  u32 copy[32];
  memcpy(copy, w.r + i.o[0], 128);
  int bits = 8 * i.size;
  for (int k = 0; k < i.vec; ++k) {
    auto* d = at<u32>(w, i.o[1 + k]);
    EACH(d[l] = copy[l] >> bits * k & (bits == 16 ? 0xFFFF : 0xFF))
  }
}
void pack64(Warp& w, const Ins& i, u32 m) {
  auto* d = at<u64>(w, i.o[0]);
  for (int l = 0; l < 32; ++l)
    if (m >> l & 1) {
      u64 v = 0;
      int bits = 8 * i.size;
      for (int k = 0; k < i.vec; ++k)
        v |= ((u64)at<u32>(w, i.o[1 + k])[l] & (bits == 32 ? 0xFFFFFFFFull : 0xFFFFull))
             << bits * k;
      d[l] = v;
    }
}
void unpack64(Warp& w, const Ins& i, u32 m) {
  u64 copy[32];
  memcpy(copy, w.r + i.o[0], 256);
  int bits = 8 * i.size;
  for (int k = 0; k < i.vec; ++k) {
    auto* d = at<u32>(w, i.o[1 + k]);
    EACH(d[l] = (u32)(copy[l] >> bits * k & (bits == 32 ? 0xFFFFFFFFull : 0xFFFFull)))
  }
}

// ---- comparisons ----
template <class T, class F>
static inline void setp(Warp& w, const Ins& i, u32 m, F f) {
  auto* a = at<T>(w, i.o[1]);
  auto* b = at<T>(w, i.o[2]);
  u32 v = 0;
  for (int l = 0; l < 32; ++l) v |= (u32)(f((T)a[l], (T)b[l]) ? 1u : 0u) << l;
  u32 q = ~v;
  if (i.o[4] >= 0) {
    u32 c = w.p[i.o[4]];
    if (i.sext) c = ~c;
    if (i.size == 0) {
      v &= c;
      q &= c;
    } else if (i.size == 1) {
      v |= c;
      q |= c;
    } else {
      v ^= c;
      q ^= c;
    }
  }
  w.p[i.o[0]] = (w.p[i.o[0]] & ~m) | (v & m);
  if (i.o[3] >= 0) w.p[i.o[3]] = (w.p[i.o[3]] & ~m) | (q & m);
}
#define CMP(T, E) [](Warp& w, const Ins& i, u32 m) { setp<T>(w, i, m, [](T a, T b) { return E; }); }
template <class T>
static Fn compareInt(const std::string& c) {
  if (c == "eq") return CMP(T, a == b);
  if (c == "ne") return CMP(T, a != b);
  if (c == "lt" || c == "lo") return CMP(T, a < b);
  if (c == "le" || c == "ls") return CMP(T, a <= b);
  if (c == "gt" || c == "hi") return CMP(T, a > b);
  if (c == "ge" || c == "hs") return CMP(T, a >= b);
  return nullptr;
}
template <class T>
static Fn compareFloat(const std::string& c) {
  if (c == "eq") return CMP(T, a == b);
  if (c == "ne") return CMP(T, a == a && b == b && a != b);
  if (c == "lt") return CMP(T, a < b);
  if (c == "le") return CMP(T, a <= b);
  if (c == "gt") return CMP(T, a > b);
  if (c == "ge") return CMP(T, a >= b);
  if (c == "equ") return CMP(T, !(a == a && b == b) || a == b);
  if (c == "neu") return CMP(T, a != b);
  if (c == "ltu") return CMP(T, !(a >= b));
  if (c == "leu") return CMP(T, !(a > b));
  if (c == "gtu") return CMP(T, !(a <= b));
  if (c == "geu") return CMP(T, !(a < b));
  if (c == "num") return CMP(T, a == a && b == b);
  if (c == "nan") return CMP(T, !(a == a && b == b));
  return nullptr;
}
template <class F>
static inline void setpHalf(Warp& w, const Ins& i, u32 m, F f) {
  auto* a = at<u16>(w, i.o[1]);
  auto* b = at<u16>(w, i.o[2]);
  u32 v = 0;
  for (int l = 0; l < 32; ++l)
    v |= (u32)(f(halfToFloat((u16)a[l]), halfToFloat((u16)b[l])) ? 1u : 0u) << l;
  w.p[i.o[0]] = (w.p[i.o[0]] & ~m) | (v & m);
  if (i.o[3] >= 0) w.p[i.o[3]] = (w.p[i.o[3]] & ~m) | (~v & m);
}
#define HCMP(E) \
  [](Warp& w, const Ins& i, u32 m) { setpHalf(w, i, m, [](float a, float b) { return E; }); }
Fn setpFunction(const std::string& c, const std::string& t) {
  if (t == "f16") {
    if (c == "num") return HCMP(a == a && b == b);
    if (c == "nan") return HCMP(!(a == a && b == b));
    if (c == "eq") return HCMP(a == b);
    if (c == "neu") return HCMP(a != b);
    if (c == "lt") return HCMP(a < b);
    if (c == "gt") return HCMP(a > b);
    if (c == "le") return HCMP(a <= b);
    if (c == "ge") return HCMP(a >= b);
    return nullptr;
  }
  if (t == "f32") return compareFloat<float>(c);
  if (t == "f64") return compareFloat<double>(c);
  if (t == "s32") return compareInt<i32>(c);
  if (t == "u32" || t == "b32") return compareInt<u32>(c);
  if (t == "s64") return compareInt<i64>(c);
  if (t == "u64" || t == "b64") return compareInt<u64>(c);
  if (t == "s16") return compareInt<i16>(c);
  if (t == "u16" || t == "b16") return compareInt<u16>(c);
  return nullptr;
}

// ---- conversions ----
float halfToFloat(u16 h) { return _cvtsh_ss(h); }
u16 floatToHalf(float f) { return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT); }
u16 floatToBfloat(float f) {
  u32 b;
  memcpy(&b, &f, 4);
  if ((b & 0x7FFFFFFF) > 0x7F800000) return 0x7FFF;
  return (u16)((b + 0x7FFF + (b >> 16 & 1)) >> 16);
}
template <class I, class F>
static inline I saturate(F v) {
  if (v != v) return 0;
  constexpr F lo = (F)std::numeric_limits<I>::min(), hi = (F)std::numeric_limits<I>::max();
  if (v <= lo) return std::numeric_limits<I>::min();
  if (v >= hi) return std::numeric_limits<I>::max();
  return (I)v;
}
template <class D, class A>
static Fn cvtInt() {
  return [](Warp& w, const Ins& i, u32 m) { un<D, A>(w, i, m, [](A a) { return (D)a; }); };
}
template <class D>
static Fn fromAny(const std::string& a) {
  if (a == "u8") return cvtInt<D, u8>();
  if (a == "s8") return cvtInt<D, i8>();
  if (a == "u16" || a == "b16") return cvtInt<D, u16>();
  if (a == "s16") return cvtInt<D, i16>();
  if (a == "u32" || a == "b32") return cvtInt<D, u32>();
  if (a == "s32") return cvtInt<D, i32>();
  if (a == "u64" || a == "b64") return cvtInt<D, u64>();
  if (a == "s64") return cvtInt<D, i64>();
  return nullptr;
}
template <class D, class A>
static Fn toInt(const std::string& r) {
  if (r == "rzi")
    return [](Warp& w, const Ins& i, u32 m) {
      un<D, A>(w, i, m, [](A a) { return saturate<D, A>(std::trunc(a)); });
    };
  if (r == "rni")
    return [](Warp& w, const Ins& i, u32 m) {
      un<D, A>(w, i, m, [](A a) { return saturate<D, A>(std::nearbyint(a)); });
    };
  if (r == "rmi")
    return [](Warp& w, const Ins& i, u32 m) {
      un<D, A>(w, i, m, [](A a) { return saturate<D, A>(std::floor(a)); });
    };
  if (r == "rpi")
    return [](Warp& w, const Ins& i, u32 m) {
      un<D, A>(w, i, m, [](A a) { return saturate<D, A>(std::ceil(a)); });
    };
  return nullptr;
}
template <class T>
static Fn roundFloat(const std::string& r) {
  if (r == "rzi")
    return
        [](Warp& w, const Ins& i, u32 m) { un<T, T>(w, i, m, [](T a) { return std::trunc(a); }); };
  if (r == "rni")
    return [](Warp& w, const Ins& i, u32 m) {
      un<T, T>(w, i, m, [](T a) { return std::nearbyint(a); });
    };
  if (r == "rmi")
    return
        [](Warp& w, const Ins& i, u32 m) { un<T, T>(w, i, m, [](T a) { return std::floor(a); }); };
  if (r == "rpi")
    return
        [](Warp& w, const Ins& i, u32 m) { un<T, T>(w, i, m, [](T a) { return std::ceil(a); }); };
  return nullptr;
}
Fn convertFunction(const std::vector<std::string>& parts) {
  std::string a = parts.back(), d = parts[parts.size() - 2], r = parts.size() > 3 ? parts[1] : "";
  for (auto& p : parts)
    if (p == "sat" || p == "ftz" || p == "relu") return nullptr;
  if (d == "tf32") {
    if (r != "rna") return nullptr;
    return [](Warp& w, const Ins& i, u32 m) {
      un<u32, u32>(w, i, m, [](u32 b) {
        return (b & 0x7F800000) == 0x7F800000 ? ((b & 0x7FFFFF) ? 0x7FFFFFFFu : b)
                                              : (b + 0x1000) & ~0x1FFFu;
      });
    };
  }
  if (d == "bf16x2" && a == "f32")
    return [](Warp& w, const Ins& i, u32 m) {
      bin<u32, float, float>(
          w, i, m, [](float x, float y) { return (u32)floatToBfloat(x) << 16 | floatToBfloat(y); });
    };
  if (d == "f16x2" && a == "f32")
    return [](Warp& w, const Ins& i, u32 m) {
      bin<u32, float, float>(
          w, i, m, [](float x, float y) { return (u32)floatToHalf(x) << 16 | floatToHalf(y); });
    };
  if (d == "bf16" && a == "f32")
    return [](Warp& w, const Ins& i, u32 m) {
      un<u16, float>(w, i, m, [](float x) { return floatToBfloat(x); });
    };
  if (d == "f32" && a == "f16")
    return [](Warp& w, const Ins& i, u32 m) {
      un<float, u16>(w, i, m, [](u16 x) { return halfToFloat(x); });
    };
  if (d == "f16" && a == "f32") {
    if (r == "rn")
      return [](Warp& w, const Ins& i, u32 m) {
        un<u16, float>(w, i, m, [](float x) { return floatToHalf(x); });
      };
    if (r == "rz")
      return [](Warp& w, const Ins& i, u32 m) {
        un<u16, float>(w, i, m, [](float x) { return (u16)_cvtss_sh(x, _MM_FROUND_TO_ZERO); });
      };
    return nullptr;
  }
  if (d == "f64" && a == "f32")
    return [](Warp& w, const Ins& i, u32 m) {
      un<double, float>(w, i, m, [](float x) { return (double)x; });
    };
  if (d == "f32" && a == "f64")
    return [](Warp& w, const Ins& i, u32 m) {
      un<float, double>(w, i, m, [](double x) { return (float)x; });
    };
  if (d == "f32" && a == "f32") return roundFloat<float>(r);
  if (d == "f64" && a == "f64") return roundFloat<double>(r);
  if (d == "f32") return r == "rn" ? fromAny<float>(a) : nullptr;
  if (d == "f64") return fromAny<double>(a);
  if (a == "f32") {
    if (d == "s32") return toInt<i32, float>(r);
    if (d == "u32") return toInt<u32, float>(r);
    if (d == "s64") return toInt<i64, float>(r);
    if (d == "u64") return toInt<u64, float>(r);
    if (d == "u16") return toInt<u16, float>(r);
    if (d == "s16") return toInt<i16, float>(r);
    return nullptr;
  }
  if (a == "f64") {
    if (d == "s32") return toInt<i32, double>(r);
    if (d == "u32") return toInt<u32, double>(r);
    if (d == "s64") return toInt<i64, double>(r);
    if (d == "u64") return toInt<u64, double>(r);
    return nullptr;
  }
  if (d == "u8") return fromAny<u8>(a);
  if (d == "s8") return fromAny<i8>(a);
  if (d == "u16" || d == "b16") return fromAny<u16>(a);
  if (d == "s16") return fromAny<i16>(a);
  if (d == "u32" || d == "b32") return fromAny<u32>(a);
  if (d == "s32") return fromAny<i32>(a);
  if (d == "u64" || d == "b64") return fromAny<u64>(a);
  if (d == "s64") return fromAny<i64>(a);
  return nullptr;
}

// ---- arithmetic ----
#define UN(T, E) [](Warp& w, const Ins& i, u32 m) { un<T, T>(w, i, m, [](T a) { return (T)(E); }); }
#define BIN(T, E) \
  [](Warp& w, const Ins& i, u32 m) { bin<T, T, T>(w, i, m, [](T a, T b) { return (T)(E); }); }
#define TER(T, E)                                                   \
  [](Warp& w, const Ins& i, u32 m) {                                \
    ter<T, T, T, T>(w, i, m, [](T a, T b, T c) { return (T)(E); }); \
  }
template <class T>
static T quotient(T a, T b) {
  if (b == 0) return (T) ~(T)0;
  if constexpr (std::is_signed<T>::value) {
    if (b == -1) return (T)(0 - (typename std::make_unsigned<T>::type)a);
  }
  return a / b;
}
template <class T>
static T remainder_(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed<T>::value) {
    if (b == -1) return 0;
  }
  return a % b;
}
template <class T>
static Fn integer(const Lookup& q) {
  using U = typename std::make_unsigned<T>::type;
  constexpr u32 bits = 8 * sizeof(T);
  const std::string& n = q.name;
  if (n == "add") return BIN(T, (U)a + (U)b);
  if (n == "sub") return BIN(T, (U)a - (U)b);
  if (n == "neg") return UN(T, (U)0 - (U)a);
  if (n == "abs") return UN(T, a < 0 ? (T)((U)0 - (U)a) : a);
  if (n == "not") return UN(T, ~a);
  if (n == "cnot") return UN(T, a == 0 ? 1 : 0);
  if (n == "and") return BIN(T, a & b);
  if (n == "or") return BIN(T, a | b);
  if (n == "xor") return BIN(T, a ^ b);
  if (n == "min") return BIN(T, a < b ? a : b);
  if (n == "max") return BIN(T, a > b ? a : b);
  if (n == "div")
    return [](Warp& w, const Ins& i, u32 m) {
      bin<T, T, T>(w, i, m, [](T a, T b) { return quotient<T>(a, b); });
    };
  if (n == "rem")
    return [](Warp& w, const Ins& i, u32 m) {
      bin<T, T, T>(w, i, m, [](T a, T b) { return remainder_<T>(a, b); });
    };
  if (n == "shl")
    return [](Warp& w, const Ins& i, u32 m) {
      bin<T, T, u32>(w, i, m, [](T a, u32 b) { return b >= bits ? (T)0 : (T)((U)a << b); });
    };
  if (n == "shr")
    return [](Warp& w, const Ins& i, u32 m) {
      bin<T, T, u32>(w, i, m, [](T a, u32 b) {
        return (T)(a >> (b >= bits ? bits - 1 : b)) *
               (T)(b >= bits && !std::is_signed<T>::value ? 0 : 1);
      });
    };
  if (n == "mul" && q.has("lo")) return BIN(T, (U)((u64)(U)a * (u64)(U)b));
  if (n == "mad" && q.has("lo")) return TER(T, (U)((u64)(U)a * (u64)(U)b + (u64)(U)c));
  if (n == "mul" && q.has("hi")) {
    if constexpr (sizeof(T) == 8) {
      if constexpr (std::is_signed<T>::value)
        return BIN(T, (T)((__int128)a * b >> 64));
      else
        return BIN(T, (T)((unsigned __int128)a * b >> 64));
    } else if constexpr (std::is_signed<T>::value)
      return BIN(T, (T)((i64)a * (i64)b >> bits));
    else
      return BIN(T, (T)((u64)a * (u64)b >> bits));
  }
  if constexpr (sizeof(T) == 4) {
    using W = typename std::conditional<std::is_signed<T>::value, i64, u64>::type;
    if (n == "mul" && q.has("wide"))
      return [](Warp& w, const Ins& i, u32 m) {
        bin<W, T, T>(w, i, m, [](T a, T b) { return (W)a * (W)b; });
      };
    if (n == "mad" && q.has("wide"))
      return [](Warp& w, const Ins& i, u32 m) {
        ter<W, T, T, W>(w, i, m, [](T a, T b, W c) { return (W)((u64)((W)a * (W)b) + (u64)c); });
      };
    if (n == "popc") return UN(T, __builtin_popcount((u32)a));
    if (n == "clz") return UN(T, a == 0 ? 32 : __builtin_clz((u32)a));
    if (n == "brev")
      return UN(T, [](u32 v) {
        u32 o = 0;
        for (int k = 0; k < 32; ++k) o |= (v >> k & 1) << (31 - k);
        return o;
      }((u32)a));
    if (n == "bfi")
      return [](Warp& w, const Ins& i, u32 m) {
        auto* d = at<u32>(w, i.o[0]);
        auto* a = at<u32>(w, i.o[1]);
        auto* b = at<u32>(w, i.o[2]);
        auto* c = at<u32>(w, i.o[3]);
        auto* e = at<u32>(w, i.o[4]);
        EACH(u32 pos = c[l] & 255; u32 len = e[l] & 255;
             u64 mask =
                 ((len >= 32 ? ~0ull : (1ull << len) - 1) << std::min(pos, 63u)) & 0xFFFFFFFFull;
             d[l] = (u32)((b[l] & ~mask) | (((u64)a[l] << std::min(pos, 63u)) & mask)))
      };
    if (n == "prmt")
      return TER(T, [](u32 a, u32 b, u32 c) {
        u64 v = (u64)b << 32 | a;
        u32 o = 0;
        for (int k = 0; k < 4; ++k) {
          u32 s = c >> 4 * k & 15;
          u32 x = v >> 8 * (s & 7) & 255;
          if (s & 8) x = x & 128 ? 255 : 0;
          o |= x << 8 * k;
        }
        return o;
      }((u32)a, (u32)b, (u32)c));
  }
  if (n == "bfe")
    return [](Warp& w, const Ins& i, u32 m) {
      auto* d = at<T>(w, i.o[0]);
      auto* a = at<T>(w, i.o[1]);
      auto* b = at<u32>(w, i.o[2]);
      auto* c = at<u32>(w, i.o[3]);
      for (int l = 0; l < 32; ++l)
        if (m >> l & 1) {
          u32 pos = b[l] & 255, len = c[l] & 255;
          T v = 0;
          if (len) {
            u64 x = pos >= 64                  ? 0
                    : std::is_signed<T>::value ? (u64)((i64)(T)a[l] >> pos)
                                               : (u64)(U)a[l] >> pos;
            if (len < 64) {
              x &= (1ull << len) - 1;
              if (std::is_signed<T>::value && len < bits && x >> (len - 1) & 1) x |= ~0ull << len;
            }
            v = (T)x;
          }
          d[l] = put<T>(v);
        }
    };
  return nullptr;
}
template <class T>
static Fn floating(const Lookup& q) {
  const std::string& n = q.name;
  const bool isNaN = q.has("NaN");
  if (q.has("ftz") || q.has("sat") || q.has("rz") || q.has("rm") || q.has("rp")) return nullptr;
  if (n == "add") return BIN(T, a + b);
  if (n == "sub") return BIN(T, a - b);
  if (n == "mul") return BIN(T, a * b);
  if (n == "div") return BIN(T, a / b);
  if (n == "fma" || n == "mad") return TER(T, std::fma(a, b, c));
  if (n == "neg") return UN(T, -a);
  if (n == "abs") return UN(T, std::fabs(a));
  if (n == "sqrt") return UN(T, std::sqrt(a));
  if (n == "rcp") return UN(T, (T)1 / a);
  if (n == "rsqrt") return UN(T, (T)1 / std::sqrt(a));
  if (n == "min")
    return isNaN ? (Fn)BIN(T, a != a || b != b                         ? (T)NAN
                              : (b < a || (a == b && std::signbit(b))) ? b
                                                                       : a)
                 : (Fn)BIN(T, a != a                                   ? b
                              : b != b                                 ? a
                              : (b < a || (a == b && std::signbit(b))) ? b
                                                                       : a);
  if (n == "max")
    return isNaN ? (Fn)BIN(T, a != a || b != b                         ? (T)NAN
                              : (b > a || (a == b && std::signbit(a))) ? b
                                                                       : a)
                 : (Fn)BIN(T, a != a                                   ? b
                              : b != b                                 ? a
                              : (b > a || (a == b && std::signbit(a))) ? b
                                                                       : a);
  if (n == "copysign") return BIN(T, std::copysign(b, a));
  if (n == "ex2") return UN(T, std::exp2(a));
  if (n == "lg2") return UN(T, std::log2(a));
  if (n == "sin") return UN(T, std::sin(a));
  if (n == "cos") return UN(T, std::cos(a));
  if (n == "tanh") return UN(T, std::tanh(a));
  return nullptr;
}
Fn arithmeticFunction(const Lookup& q) {
  const std::string& t = q.type;
  if (t == "f32") return floating<float>(q);
  if (t == "f64") return floating<double>(q);
  if (t == "s32") return integer<i32>(q);
  if (t == "u32" || t == "b32") return integer<u32>(q);
  if (t == "s64") return integer<i64>(q);
  if (t == "u64" || t == "b64") return integer<u64>(q);
  if (t == "s16") return integer<i16>(q);
  if (t == "u16" || t == "b16") return integer<u16>(q);
  return nullptr;
}

static void shuffle(Warp& w, const Ins& i, u32 m) {
  u32 src[32];
  memcpy(src, w.r + i.o[1], 128);
  auto* d = at<u32>(w, i.o[0]);
  auto* b = at<u32>(w, i.o[2]);
  auto* c = at<u32>(w, i.o[3]);
  u32 ok = 0;
  for (int l = 0; l < 32; ++l)
    if (m >> l & 1) {
      u32 clamp = c[l] & 31, seg = c[l] >> 8 & 31;
      int maxLane = (l & seg) | (clamp & ~seg), minLane = l & seg;
      int j;
      bool p;
      int bv = b[l] & 31;
      if (i.size == 0) {
        j = l - bv;
        p = j >= maxLane;
      } else if (i.size == 1) {
        j = l + bv;
        p = j <= maxLane;
      } else if (i.size == 2) {
        j = l ^ bv;
        p = j <= maxLane;
      } else {
        j = minLane | (bv & ~seg);
        p = j <= maxLane;
      }
      if (!p) j = l;
      d[l] = src[j & 31];
      ok |= (u32)p << l;
      if (!(m >> (j & 31) & 1)) trouble("shfl reads an inactive lane", where(w, i), "");
    }
  if (i.o[4] >= 0) w.p[i.o[4]] = (w.p[i.o[4]] & ~m) | (ok & m);
}
Fn shuffleFunction() { return shuffle; }

// ---- matrix multiply ----
// Sums as a matrix unit makes them: the terms of one step are aligned to the largest, truncated and added.
static inline float truncatedSum(float c, const double* products, int n) {
  int top = -10000;
  auto look = [&](double v) {
    if (v != 0) {
      int e;
      std::frexp(v, &e);
      top = std::max(top, e);
    }
  };
  look(c);
  for (int k = 0; k < n; ++k) look(products[k]);
  if (top == -10000) return c;
  for (int k = 0; k < n; ++k)
    if (!std::isfinite(products[k])) {
      double s = c;
      for (int q = 0; q < n; ++q) s += products[q];
      return (float)s;
    }
  if (!std::isfinite(c)) return c;
  double unit = std::ldexp(1.0, top - 25), sum = std::trunc(c / unit);  // 24 bits and one more
  for (int k = 0; k < n; ++k) sum += std::trunc(products[k] / unit);
  sum *= unit;
  float f = (float)sum;  // towards zero
  if (std::fabs((double)f) > std::fabs(sum)) f = std::nextafterf(f, 0.0f);
  return f;
}

template <int K, class Unpack>
static inline void mma(Warp& w, const Ins& i, u32 m, Unpack unpack) {
  // A [16][K], B [K][8] as floats; sums [16][8]
  alignas(64) float a[16][K], b[K][8], c[16][8];
  unpack(w, i, a, b);
  const float* s[4];
  for (int e = 0; e < 4; ++e) s[e] = (const float*)(w.r + i.o[4 + 6 + e]);
  for (int l = 0; l < 32; ++l) {
    int r = l / 4, q = l % 4 * 2;
    c[r][q] = s[0][l];
    c[r][q + 1] = s[1][l];
    c[r + 8][q] = s[2][l];
    c[r + 8][q + 1] = s[3][l];
  }
  if (!settings.truncate) {
    for (int r = 0; r < 16; ++r) {
      __m256 sum = _mm256_load_ps(c[r]);
      for (int k = 0; k < K; ++k)
        sum = _mm256_fmadd_ps(_mm256_set1_ps(a[r][k]), _mm256_load_ps(b[k]), sum);
      _mm256_store_ps(c[r], sum);
    }
  } else {
    constexpr int step = K == 16 ? 8 : 4;
    for (int r = 0; r < 16; ++r)
      for (int q = 0; q < 8; ++q)
        for (int k = 0; k < K; k += step) {
          double p[step];
          for (int x = 0; x < step; ++x) p[x] = (double)a[r][k + x] * b[k + x][q];
          c[r][q] = truncatedSum(c[r][q], p, step);
        }
  }
  float* d[4];
  for (int e = 0; e < 4; ++e) d[e] = (float*)(w.r + i.o[e]);
  for (int l = 0; l < 32; ++l) {
    int r = l / 4, q = l % 4 * 2;
    d[0][l] = c[r][q];
    d[1][l] = c[r][q + 1];
    d[2][l] = c[r + 8][q];
    d[3][l] = c[r + 8][q + 1];
  }
  (void)m;
}
static inline void check(Warp& w, const Ins& i, u32 m) {
  if (m != ~0u)
    trouble("warp instruction with lanes missing", where(w, i), "mask " + std::to_string(m));
}
static inline float bf(u32 w, int part) {
  u32 b = part ? w & 0xFFFF0000u : w << 16;
  float f;
  memcpy(&f, &b, 4);
  return f;
}
template <bool HALF>
static void mma16(Warp& w, const Ins& i, u32 m) {
  check(w, i, m);
  mma<16>(w, i, m, [](Warp& w, const Ins& i, float(*a)[16], float(*b)[8]) {
    for (int v = 0; v < 4; ++v) {
      auto* x = (const u32*)(w.r + i.o[4 + v]);
      for (int l = 0; l < 32; ++l) {
        int r = l / 4 + 8 * (v % 2), c = l % 4 * 2 + 8 * (v / 2);
        for (int p = 0; p < 2; ++p)
          a[r][c + p] = HALF ? halfToFloat((u16)(x[l] >> 16 * p)) : bf(x[l], p);
      }
    }
    for (int v = 0; v < 2; ++v) {
      auto* x = (const u32*)(w.r + i.o[8 + v]);
      for (int l = 0; l < 32; ++l) {
        int r = l % 4 * 2 + 8 * v, c = l / 4;
        for (int p = 0; p < 2; ++p)
          b[r + p][c] = HALF ? halfToFloat((u16)(x[l] >> 16 * p)) : bf(x[l], p);
      }
    }
  });
}
static void mmaTF32(Warp& w, const Ins& i, u32 m) {
  check(w, i, m);
  mma<8>(w, i, m, [](Warp& w, const Ins& i, float(*a)[8], float(*b)[8]) {
    auto number = [&](u32 v) {
      v &= ~0x1FFFu;
      float f;
      memcpy(&f, &v, 4);
      return f;
    };  // hardware ignores the low bits
    for (int v = 0; v < 4; ++v) {
      auto* x = (const u32*)(w.r + i.o[4 + v]);
      for (int l = 0; l < 32; ++l) a[l / 4 + 8 * (v % 2)][l % 4 + 4 * (v / 2)] = number(x[l]);
    }
    for (int v = 0; v < 2; ++v) {
      auto* x = (const u32*)(w.r + i.o[8 + v]);
      for (int l = 0; l < 32; ++l) b[l % 4 + 4 * v][l / 4] = number(x[l]);
    }
  });
}
Fn mmaFunction(const std::string& op) {
  if (op == "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32") return mma16<false>;
  if (op == "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32") return mma16<true>;
  if (op == "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32") return mmaTF32;
  return nullptr;
}
}  // namespace ptx
