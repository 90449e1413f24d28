// What a matrix unit's convolution or weight gradient does to the images that it reads, if HAS_PROLOGUE:
//
//   x -> phi((x - mean[c]) factor[c] + shift[c])
//
// rounded to `real`, so that products have the same bits as with a tensor that was stored. phi is the
// program's ACTIVATION, which results go without then (common/result.cl). Zeros around an image stay
// zeros. Vectors: accum [channels].
// uses: common/activation.cl common/matrix_unit.cl

#if HAS_PROLOGUE

#define PROLOGUE_ARGUMENTS                                                  \
  , const global accum *restrict mean, const global accum *restrict factor, \
      const global accum *restrict shift
#define PROLOGUE \
  { mean, factor, shift }

typedef struct {
  const global accum *mean;
  const global accum *factor;
  const global accum *shift;
} Prologue;

// CHUNK numbers, whose first channel is c.
static inline uint4 normalized_chunk(const uint4 chunk, const Prologue *prologue, const int c) {
#if CHUNK == 4
  const float4 value = fma(as_float4(chunk) - vload4(0, prologue->mean + c),
                           vload4(0, prologue->factor + c), vload4(0, prologue->shift + c));
  return as_uint4(activate((accums)(value, value)).lo);
#else
  const accums value = fma(unpacked(chunk) - load_accums(prologue->mean + c),
                           load_accums(prologue->factor + c), load_accums(prologue->shift + c));
  return packed(activate(value));
#endif
}

#else
#define PROLOGUE_ARGUMENTS
#endif
