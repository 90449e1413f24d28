// Vectors of 16 floats. Clang splits them into two registers on AVX2, and four on SSE2 and NEON.

#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CVectorLoops.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Every function that takes a vector is inlined, so vectors are never call arguments.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define LANES 16
/// A loop that is unrolled whole, so that arrays of vectors lie in registers.
#define UNROLLED_FOR(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < (n); i++)

typedef float vf __attribute__((ext_vector_type(16)));
typedef int32_t vi __attribute__((ext_vector_type(16)));
typedef uint32_t vu __attribute__((ext_vector_type(16)));
typedef uint16_t vh __attribute__((ext_vector_type(16)));
