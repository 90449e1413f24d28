// Mean and squared deviations of each channel of x [rows, channels] by spans of rows, read once from
// memory.
//
//   normalization_statistics   for the g-th span of rows: partial[g, 0, c] = mean,
//                              partial[g, 1, c] = sum of squared deviations from that mean
//
// normalization/apply.cl makes the statistics of all rows from them.
//
// An item walks over its rows of a block twice, the second time in a cache: for the mean, of x - x0
// with x0 its first row, so that a large mean costs no digits, and for the deviations from it.
// Blocks and items are merged by Chan's formula in a fixed order. Source: Chan, Golub, LeVeque,
// "Algorithms for computing the sample variance" (1983).
//
// Geometry: axis 0 counts vectors of WIDTH channels, axis 1 spans of `span_rows` rows, which are
// walked in blocks of `block_rows`. Assumes WIDTH divides channels (RowBlocks guarantees it).
// partial: accum [spans, 2, channels]. Deterministic. After common/real.cl, common/tree.cl.

typedef struct {
  accum count;
  accums mean;
  accums squares;
} Moments;

static inline Moments merge_moments(const Moments a, const Moments b) {
  Moments both = a;
  both.count = a.count + b.count;
  if (b.count > 0) {
    const accums delta = b.mean - a.mean;
    const accum share = b.count / both.count;
    both.mean = a.mean + delta * share;
    both.squares = a.squares + b.squares + delta * delta * (a.count * share);
  }
  return both;
}

// The moments of the group's rows, in row 0 of the group.
INLINE Moments merge_over_rows(Moments own, local accum *counts, local accums *means,
                               local accums *squares) {
#if LOCAL_ROWS > 1
  const int row = get_local_id(1);
  const int item = row * LOCAL_VECTORS + (int)get_local_id(0);
  counts[item] = own.count;
  means[item] = own.mean;
  squares[item] = own.squares;
  for (int half_rows = LOCAL_ROWS / 2; half_rows > 0; half_rows /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (row < half_rows) {
      const int other = item + half_rows * LOCAL_VECTORS;
      const Moments theirs = {counts[other], means[other], squares[other]};
      own = merge_moments(own, theirs);
      counts[item] = own.count;
      means[item] = own.mean;
      squares[item] = own.squares;
    }
  }
#endif
  return own;
}

REDUCTION_KERNEL void normalization_statistics(const global real *restrict x,
                                               global accum *restrict partial, const int rows,
                                               const int channels, const int span_rows,
                                               const int block_rows) {
  local accum counts[LOCAL_ITEMS];
  local accums means[LOCAL_ITEMS];
  local accums squares[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int first = get_group_id(1) * span_rows;
  const int end = c < channels ? min(first + span_rows, rows) : 0;
  Moments own = {0, SPREAD(0), SPREAD(0)};
  for (int block = first; block < end; block += block_rows) {
    const int first_row = block + (int)get_local_id(1);
    const int end_row = min(block + block_rows, end);
    if (first_row >= end_row) break;
    const accums shift = load_reals(x + (size_t)first_row * channels + c);
    accums sum = SPREAD(0);
    for (int row = first_row; row < end_row; row += LOCAL_ROWS) {
      sum += load_reals(x + (size_t)row * channels + c) - shift;
    }
    Moments next;
    next.count = (accum)((end_row - first_row + LOCAL_ROWS - 1) / LOCAL_ROWS);
    next.mean = shift + sum / next.count;
    next.squares = SPREAD(0);
    for (int row = first_row; row < end_row; row += LOCAL_ROWS) {
      const accums deviation = load_reals(x + (size_t)row * channels + c) - next.mean;
      next.squares = fma(deviation, deviation, next.squares);
    }
    if (block == first) {
      own = next;
    } else {
      own = merge_moments(own, next);
    }
  }
  own = merge_over_rows(own, counts, means, squares);
  if (get_local_id(1) == 0 && c < channels) {
    global accum *mine = partial + (size_t)get_group_id(1) * 2 * channels + c;
    store_accums(own.mean, mine);
    store_accums(own.squares, mine + channels);
  }
}
