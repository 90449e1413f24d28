// Selects one instruction set's functions when the library is loaded.

#include "loops/list.h"

static const vl_table *table = &vl_table_baseline;

__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) table = &vl_table_avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    table = &vl_table_avx512;
    if (__builtin_cpu_supports("avx512bf16")) table = &vl_table_avx512_bf16;
  }
#endif
}

const char *vl_instruction_set(void) { return table->name; }

#define FORWARD_void
#define FORWARD_double return
#define FORWARD_int64_t return
#define X(result, function, parameters, arguments) \
  result vl_##function parameters { FORWARD_##result table->function arguments; }
VL_FUNCTIONS(X)
#undef X
