// The type that numbers come from if it is another than `real`: one of SOURCE_FLOAT,
// SOURCE_DOUBLE, SOURCE_HALF, SOURCE_BFLOAT16 (float if none is defined). From double to the 16-bit
// types a number is rounded to float first, as HostTensor's conversions do.
// uses: common/real.cl

#if defined(SOURCE_DOUBLE)
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
