// The gradients of Batch Normalization of x [rows, channels], with
//
//   xhat = (x - mean) / sqrt(variance + epsilon),   g = dy phi'(scale xhat + shift)
//
// or g = dy if `terms` has no phi (common/activation.cl).
//
//   normalization_gradient_sums    for the b-th span of rows:
//                                  partial[b, 0, c] = sum of g, partial[b, 1, c] = sum of g xhat
//   normalization_input_gradient   dx = scale / sqrt(variance + epsilon)
//                                       (g - dshift / rows - xhat dscale / rows)
//
// If MERGES_SPANS, each group of normalization_input_gradient first makes dshift and dscale of its channels
// from the spans' sums (common/spans.cl).
//
// Geometry: one item makes item_rows rows of one vector of WIDTH channels (axis 0 vectors, axis 1
// blocks of rows); normalization_gradient_sums as normalization_statistics. Assumes WIDTH divides
// channels (RowBlocks guarantees it, and that spans are few). Shape class: ACTIVATION, MERGES_SPANS.
// Per-channel vectors are accum [channels]; partial: accum [spans, 2, channels]. Deterministic.
// uses: common/activation.cl common/spans.cl

// g of the formulas above.
static inline accums inner_gradient(const int terms, const accums dy, const accums normalized,
                                    const accums scale, const accums shift) {
  return terms & TERM_ACTIVATION ? dy * activation_slope(fma(normalized, scale, shift)) : dy;
}

LINE_KERNEL void normalization_gradient_sums(
    const global real *restrict dy, const global real *restrict x,
    const global accum *restrict scale, const global accum *restrict shift,
    const global accum *restrict mean, const global accum *restrict variance,
    global accum *restrict partial, const int terms, const int rows, const int channels,
    const int span_rows, const accum epsilon, const int columns) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  const int first = get_group_id(1) * span_rows;
  const int end = c < channels ? min(first + span_rows, rows) : 0;
  accums sum = SPREAD(0);
  accums product = SPREAD(0);
  if (c < channels) {
    const accums center = load_accums(mean + c);
    const accums inverse = SPREAD(1) / sqrt(load_accums(variance + c) + epsilon);
    const accums factor = load_accums(scale + c);
    const accums offset = load_accums(shift + c);
    for (int row = first + grid.row; row < end; row += grid.rows) {
      const size_t at = (size_t)row * channels + c;
      const accums normalized = (load_reals(x + at) - center) * inverse;
      const accums g = inner_gradient(terms, load_reals(dy + at), normalized, factor, offset);
      sum += g;
      product = fma(g, normalized, product);
    }
  }
  sum = sum_over_rows(sum, grid, tree);
  product = sum_over_rows(product, grid, tree);
  if (grid.row == 0 && c < channels) {
    global accum *mine = partial + (size_t)get_group_id(1) * 2 * channels + c;
    store_accums(sum, mine);
    store_accums(product, mine + channels);
  }
}

LINE_KERNEL void normalization_input_gradient(
    const global real *restrict dy, const global real *restrict x,
    const global accum *restrict scale, const global accum *restrict shift,
    const global accum *restrict mean, const global accum *restrict variance,
    const global accum *restrict partial, global accum *restrict dshift,
    global accum *restrict dscale, global real *restrict dx, const int terms, const int rows,
    const int channels, const int span_rows, const accum epsilon, const int item_rows,
    const int columns) {
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
#if MERGES_SPANS
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  const int spans = span_count(rows, channels, span_rows, c);
  const accums sum = sum_over_spans(partial, spans, channels, c, grid, tree);
  const accums product = sum_over_spans(partial + channels, spans, channels, c, grid, tree);
  if (c >= channels) return;
  if (stores_merged(grid)) {
    store_accums(sum, dshift + c);
    store_accums(product, dscale + c);
  }
#else
  if (c >= channels) return;
  const accums sum = load_accums(dshift + c);
  const accums product = load_accums(dscale + c);
#endif
  const accums center = load_accums(mean + c);
  const accums inverse = SPREAD(1) / sqrt(load_accums(variance + c) + epsilon);
  const accums factor = load_accums(scale + c);
  const accums offset = load_accums(shift + c);
  const accums mean_gradient = sum / (accum)rows;
  const accums slope = product / (accum)rows;
  FOR_EACH_ROW(grid, rows) {
    const size_t at = (size_t)row * channels + c;
    const accums normalized = (load_reals(x + at) - center) * inverse;
    const accums g = inner_gradient(terms, load_reals(dy + at), normalized, factor, offset);
    store_reals(fma(-normalized, slope, g - mean_gradient) * (factor * inverse), dx + at);
  }
}
