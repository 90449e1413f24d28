// What depends on a Batch Normalization's variance and scale alone.
//
//   normalization_factor           factor = scale / sqrt(variance + epsilon), for convolutions that
//                                  normalize the images that they load
//   normalization_frozen_gradient  dx = dy scale / sqrt(variance + epsilon)
//
// If MERGES_SPANS, normalization_factor makes mean and variance first (common/spans.cl).
//
// Geometry: one item makes one vector of WIDTH channels (axis 0), and normalization_frozen_gradient
// item_rows rows of it (axis 1). Assumes WIDTH divides channels (RowBlocks guarantees it). Shape class:
// MERGES_SPANS. Per-channel vectors are accum [channels]. Deterministic.
// uses: common/spans.cl

LINE_KERNEL void normalization_factor(const global accum *restrict partial,
                                      const global accum *restrict scale,
                                      global accum *restrict mean, global accum *restrict variance,
                                      global accum *restrict factor, const int rows,
                                      const int channels, const int span_rows, const accum epsilon,
                                      const int columns) {
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
#if MERGES_SPANS
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  accums center, spread;
  merge_statistics(partial, rows, channels, span_rows, c, grid, tree, &center, &spread);
  if (c >= channels || !stores_merged(grid)) return;
  store_accums(center, mean + c);
  store_accums(spread, variance + c);
#else
  if (c >= channels || grid.row != 0) return;
  const accums spread = load_accums(variance + c);
#endif
  store_accums(load_accums(scale + c) / sqrt(spread + epsilon), factor + c);
}

LINE_KERNEL void normalization_frozen_gradient(const global real *restrict dy,
                                               const global accum *restrict scale,
                                               const global accum *restrict variance,
                                               global real *restrict dx, const int rows,
                                               const int channels, const accum epsilon,
                                               const int item_rows, const int columns) {
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  if (c >= channels) return;
  const accums factor = load_accums(scale + c) / sqrt(load_accums(variance + c) + epsilon);
  FOR_EACH_ROW(grid, rows) {
    const size_t at = (size_t)row * channels + c;
    store_reals(load_reals(dy + at) * factor, dx + at);
  }
}
