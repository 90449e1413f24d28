// y = x rounded to another type, for flat arrays of `count` elements.
//
// The result's type is `real`; the source's is one of SOURCE_FLOAT, SOURCE_DOUBLE, SOURCE_HALF,
// SOURCE_BFLOAT16 (float where none is defined). From double to the 16-bit types the number is
// rounded to float first, as HostTensor's conversions do.
//
// Geometry: one work-item makes WIDTH elements, one by one at the array's end. Tunables: WIDTH,
// LOCAL_SIZE. Deterministic. After common/real.cl.

#ifndef LOCAL_SIZE
#define LOCAL_SIZE 64
#endif

#if defined(SOURCE_DOUBLE)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double source;
#elif defined(SOURCE_HALF)
typedef half source;
#elif defined(SOURCE_BFLOAT16)
typedef ushort source;
#else
typedef float source;
#endif

static inline accum load_source(const global source *p) {
#if defined(SOURCE_HALF)
  return vload_half(0, p);
#elif defined(SOURCE_BFLOAT16)
  return as_float((uint)*p << 16);
#else
  return (accum)*p;
#endif
}

kernel __attribute__((reqd_work_group_size(LOCAL_SIZE, 1, 1))) void cast_elements(
    const global source *restrict x, global real *restrict y, const uint count) {
  const size_t first = (size_t)get_global_id(0) * WIDTH;
  if (first + WIDTH <= count) {
    for (int i = 0; i < WIDTH; ++i) store_real(load_source(x + first + i), y + first + i);
  } else {
    for (size_t i = first; i < count; ++i) store_real(load_source(x + i), y + i);
  }
}
