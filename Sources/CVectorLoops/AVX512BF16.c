// The loops for AVX-512 with bf16.

#include "loops/vector.h"
#include "loops/list.h"

#if defined(__x86_64__)
#define VL(name) vl_##name##_avx512_bf16
#define VL_HAS_BF16_INSTRUCTION 1
#define VL_VECTOR_IS_REGISTER 1
#pragma clang attribute push(                                                                       \
        __attribute__((target(                                                                      \
                "avx512f,avx512vl,avx512bw,avx512dq,avx512cd,avx512bf16,avx2,fma,f16c,bmi,bmi2"))), \
            apply_to = function)
#include "loops/all.h"
#pragma clang attribute pop
#endif
