// Selects one instruction set's functions when the library is loaded.

#include "loops/list.h"

typedef enum { BASELINE, AVX2, AVX512, AVX512_BF16 } instruction_set;

static inline instruction_set supported(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return __builtin_cpu_supports("avx512bf16") ? AVX512_BF16 : AVX512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
  return BASELINE;
}

const char *vl_instruction_set(void) {
  static const char *const names[] = {"any processor", "AVX2", "AVX-512", "AVX-512 with bf16"};
  return names[supported()];
}

/// The function for each instruction set.
#if defined(__x86_64__)
#define SETS(function)                                                    \
  vl_##function##_baseline, vl_##function##_avx2, vl_##function##_avx512, \
      vl_##function##_avx512_bf16
#else
#define SETS(function) vl_##function##_baseline
#endif

// The dynamic linker binds a function to what its resolver returns. Hidden functions have their
// address before that.
#define X(function)                                                               \
  __attribute__((visibility("hidden"))) __typeof__(vl_##function) SETS(function); \
  static __typeof__(vl_##function) *choose_##function(void) {                     \
    __typeof__(vl_##function) *const functions[] = {SETS(function)};              \
    return functions[supported()];                                                \
  }                                                                               \
  __typeof__(vl_##function) vl_##function __attribute__((ifunc("choose_" #function)));
VL_FUNCTIONS(X)
#undef X
