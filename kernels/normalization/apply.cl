// Batch Normalization of x [rows, channels]:
//
//   y = phi(scale (x - mean) / sqrt(variance + epsilon) + shift + residual)
//
// `terms` says whether there are a residual and phi (common/activation.cl). The files that this one uses
// have the other kernels of Batch Normalization, which a step launches too: they are one program.
//
// If MERGES_SPANS, each group first makes mean and variance of its channels from the spans'
// (normalization/statistics.cl, common/spans.cl).
//
// Geometry: one item makes item_rows rows of one vector of WIDTH channels (axis 0 vectors, axis 1
// blocks of rows). Assumes WIDTH divides channels (RowBlocks guarantees it, and that spans are few). Shape
// class: ACTIVATION, MERGES_SPANS. Per-channel vectors are accum [channels]; partial: accum
// [spans, 2, channels]. Deterministic.
// uses: common/activation.cl common/spans.cl normalization/factor.cl normalization/gradient.cl
// uses: normalization/statistics.cl

LINE_KERNEL void normalization_apply(const global real *restrict x,
                                     const global accum *restrict scale,
                                     const global accum *restrict shift,
                                     const global accum *restrict partial,
                                     global accum *restrict mean, global accum *restrict variance,
                                     const global real *restrict residual, global real *restrict y,
                                     const int terms, const int rows, const int channels,
                                     const int span_rows, const accum epsilon, const int item_rows,
                                     const int columns) {
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
#if MERGES_SPANS
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  accums center, spread;
  merge_statistics(partial, rows, channels, span_rows, c, grid, tree, &center, &spread);
  if (c >= channels) return;
  if (stores_merged(grid)) {
    store_accums(center, mean + c);
    store_accums(spread, variance + c);
  }
#else
  if (c >= channels) return;
  const accums center = load_accums(mean + c);
  const accums spread = load_accums(variance + c);
#endif
  const accums factor = load_accums(scale + c) / sqrt(spread + epsilon);
  const accums offset = load_accums(shift + c);
  FOR_EACH_ROW(grid, rows) {
    const size_t at = (size_t)row * channels + c;
    accums value = fma(load_reals(x + at) - center, factor, offset);
    if (terms & TERM_RESIDUAL) value += load_reals(residual + at);
    if (terms & TERM_ACTIVATION) value = activate(value);
    store_reals(value, y + at);
  }
}
