// The loops for AVX2.

#include "loops/vector.h"
#include "loops/list.h"

#if defined(__x86_64__)
#define VL(name) vl_##name##_avx2
#define VL_HAS_BF16_INSTRUCTION 0
#define VL_VECTOR_IS_REGISTER 0
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#include "loops/all.h"
#pragma clang attribute pop
#endif
