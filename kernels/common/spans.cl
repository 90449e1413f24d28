// Statistics and sums of all rows of an array [rows, channels] from those of its spans of rows, in the
// launch that needs them. partial: accum [spans, 2, channels].
//
// If MERGES_SPANS, each group of a kernel adds up the spans of its channels. All groups do so in the same
// order, and those of the first rows store the results. Otherwise the kernel reads the results. Spans' means
// m and squared deviations s of n rows each give
//
//   mean = m0 + sum of n (m - m0) / rows,   variance = sum of (s + n (m - mean)^2) / rows
// uses: common/tree.cl

#ifndef MERGES_SPANS
#define MERGES_SPANS 0
#endif

#if MERGES_SPANS

// Whether this item stores what all groups of its channels have made from the spans.
static inline int stores_merged(const Grid grid) { return get_group_id(1) == 0 && grid.row == 0; }

static inline int span_count(const int rows, const int channels, const int span_rows, const int c) {
  return c < channels ? (rows + span_rows - 1) / span_rows : 0;
}

// The sum over the spans of partial[span, 0, c], in every item.
INLINE accums sum_over_spans(const global accum *partial, const int spans, const int channels,
                             const int c, const Grid grid, local accums *tree) {
  accums sum = SPREAD(0);
  for (int span = grid.row; span < spans; span += grid.rows) {
    sum += load_accums(partial + (size_t)span * 2 * channels + c);
  }
  return sum_over_rows(sum, grid, tree);
}

// Mean and variance of all rows from the spans', in every item.
INLINE void merge_statistics(const global accum *partial, const int rows, const int channels,
                             const int span_rows, const int c, const Grid grid, local accums *tree,
                             accums *mean, accums *variance) {
  const int spans = span_count(rows, channels, span_rows, c);
  const accums first_mean = spans > 0 ? load_accums(partial + c) : SPREAD(0);
  accums sum = SPREAD(0);
  for (int span = grid.row; span < spans; span += grid.rows) {
    const accums count = SPREAD(min(span_rows, rows - span * span_rows));
    sum = fma(load_accums(partial + (size_t)span * 2 * channels + c) - first_mean, count, sum);
  }
  const accums distance = sum_over_rows(sum, grid, tree) / (accum)rows;
  accums squares = SPREAD(0);
  for (int span = grid.row; span < spans; span += grid.rows) {
    const accums count = SPREAD(min(span_rows, rows - span * span_rows));
    const global accum *theirs = partial + (size_t)span * 2 * channels + c;
    const accums deviation = load_accums(theirs) - first_mean - distance;
    squares += fma(deviation * deviation, count, load_accums(theirs + channels));
  }
  *mean = first_mean + distance;
  *variance = sum_over_rows(squares, grid, tree) / (accum)rows;
}

#endif
