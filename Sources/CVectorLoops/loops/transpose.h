// Rearrangements of 16-bit elements for products in bf16. Included with a target attribute set.

typedef uint16_t vh32 __attribute__((ext_vector_type(32)));

#define ZIP_LOW(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/// Transposes a square of 16-bit elements: four perfect shuffles.
INLINE void transpose(vh square[LANES]) {
  UNROLLED_FOR (round, 4) {
    vh next[LANES];
    UNROLLED_FOR (i, LANES / 2) {
      next[2 * i] = ZIP_LOW(square[i], square[i + LANES / 2]);
      next[2 * i + 1] = ZIP_HIGH(square[i], square[i + LANES / 2]);
    }
    UNROLLED_FOR (i, LANES) square[i] = next[i];
  }
}

/// Stores pairs of an element of a and the one of b.
INLINE void store_pairs(uint16_t *target, vh a, vh b) {
  const vh32 both =
      __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24,
                              9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  memcpy(target, &both, sizeof both);
}
