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

static inline accums normalized(const accums x, const Prologue *prologue, const int c) {
  return activate(fma(x - load_accums(prologue->mean + c), load_accums(prologue->factor + c),
                      load_accums(prologue->shift + c)));
}

// CHUNK numbers, whose first channel is c.
static inline uint4 normalized_chunk(const uint4 chunk, const Prologue *prologue, const int c) {
#if CHUNK == 4
  return as_uint4(normalized(as_float4(chunk), prologue, c));
#elif WIDTH == 4
  return VECTOR(uint4)(packed(normalized(numbers_of(PAIR(chunk, 0, 1)), prologue, c)),
                       packed(normalized(numbers_of(PAIR(chunk, 2, 3)), prologue, c + 4)));
#else
  return packed(normalized(numbers_of(chunk), prologue, c));
#endif
}

#else
#define PROLOGUE_ARGUMENTS
#endif
