// Vectors of 16 floats: two registers on AVX2, four on SSE2 and NEON. Clang divides them up.

#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CVectorLoops.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Vectors never cross a call: every function that takes one is inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define LANES 16

typedef float vf __attribute__((ext_vector_type(16)));
typedef int32_t vi __attribute__((ext_vector_type(16)));
typedef uint32_t vu __attribute__((ext_vector_type(16)));
typedef uint16_t vh __attribute__((ext_vector_type(16)));
