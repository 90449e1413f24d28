// How a matrix unit's sums are stored as y [rows, columns], with store_product's bias and residual.
// Input gradients, whose pixels lie otherwise, define their own: INPUT_GRADIENT leaves this out.
// After common/result.cl and common/matrix_tile.cl.

#ifndef INPUT_GRADIENT
#define INPUT_GRADIENT 0
#endif

#if !INPUT_GRADIENT

struct Result {
  const global accum *bias;
  const global RESULT *residual;
  global RESULT *y;
  int rows;
  int columns;
};

static inline void store_result(const Result *result, const int row, const int column,
                                const accums sums) {
  if (row >= result->rows || column >= result->columns) return;
  const size_t place = (size_t)row * result->columns + column;
  store_product(sums, result->bias + column, result->residual + place, result->y + place);
}

#endif
