// Mean and biased variance of each channel of x [rows, channels], read once from memory.
//
//   normalization_statistics   for the g-th block of rows: partial[g, 0, c] = mean,
//                              partial[g, 1, c] = sum of squared deviations from that mean
//   normalization_merge        mean[c], variance[c] of all rows from the blocks'
//
// An item walks over its rows twice, the second time in a cache: for the mean, of x - x0 with x0
// its first row, so that a large mean costs no digits, and for the deviations from it. Items and
// blocks are merged by Chan's formula in a fixed tree. Source: Chan, Golub, LeVeque, "Algorithms
// for computing the sample variance" (1983).
//
// Geometry as in reduction/channels.cl. Assumes WIDTH divides channels. partial: accum
// [blocks, 2, channels]. Deterministic. After common/real.cl, common/tree.cl.

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
static inline Moments merge_over_rows(Moments own, local accum *counts, local accums *means,
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
                                               const int channels, const int block_rows) {
  local accum counts[LOCAL_ITEMS];
  local accums means[LOCAL_ITEMS];
  local accums squares[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int first = get_group_id(1) * block_rows + get_local_id(1);
  const int end = c < channels ? min((int)(get_group_id(1) + 1) * block_rows, rows) : 0;
  Moments own = {0, SPREAD(0), SPREAD(0)};
  if (first < end) {
    const accums shift = load_reals(x + (size_t)first * channels + c);
    accums sum = SPREAD(0);
    for (int row = first; row < end; row += LOCAL_ROWS) {
      sum += load_reals(x + (size_t)row * channels + c) - shift;
    }
    own.count = (accum)((end - first + LOCAL_ROWS - 1) / LOCAL_ROWS);
    own.mean = shift + sum / own.count;
    for (int row = first; row < end; row += LOCAL_ROWS) {
      const accums deviation = load_reals(x + (size_t)row * channels + c) - own.mean;
      own.squares = fma(deviation, deviation, own.squares);
    }
  }
  own = merge_over_rows(own, counts, means, squares);
  if (get_local_id(1) == 0 && c < channels) {
    global accum *mine = partial + (size_t)get_group_id(1) * 2 * channels + c;
    store_accums(own.mean, mine);
    store_accums(own.squares, mine + channels);
  }
}

REDUCTION_KERNEL void normalization_merge(const global accum *restrict partial,
                                          global accum *restrict mean,
                                          global accum *restrict variance, const int rows,
                                          const int channels, const int block_rows) {
  local accum counts[LOCAL_ITEMS];
  local accums means[LOCAL_ITEMS];
  local accums squares[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int blocks = c < channels ? (rows + block_rows - 1) / block_rows : 0;
  Moments own = {0, SPREAD(0), SPREAD(0)};
  for (int block = get_local_id(1); block < blocks; block += LOCAL_ROWS) {
    const global accum *theirs = partial + (size_t)block * 2 * channels + c;
    const Moments next = {(accum)min(block_rows, rows - block * block_rows), load_accums(theirs),
                          load_accums(theirs + channels)};
    own = merge_moments(own, next);
  }
  own = merge_over_rows(own, counts, means, squares);
  if (get_local_id(1) == 0 && c < channels) {
    const accums biased = own.squares / (accum)rows;
    store_accums(own.mean, mean + c);
    store_accums(biased < SPREAD(0) ? SPREAD(0) : biased, variance + c);
  }
}
