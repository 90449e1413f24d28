// Mean and squared deviations of each channel of x [rows, channels] by spans of rows.
//
//   normalization_statistics         for the g-th span of rows: partial[g, 0, c] = mean,
//                                    partial[g, 1, c] = sum of squared deviations from that mean;
//                                    x is read once from memory
//   normalization_merge_statistics   the same from such numbers of smaller parts, which the convolution
//                                    that made x has stored with it
//
// common/spans.cl makes the statistics of all rows from them.
//
// An item walks over its rows of a block twice, the second time in a cache: for the mean, of x - x0
// with x0 its first row, so that a large mean costs no digits, and for the deviations from it.
// Blocks, items and parts are merged in a fixed order.
//
// Geometry: axis 0 counts vectors of WIDTH channels, axis 1 spans of `span_rows` rows, which are
// walked in blocks of `block_rows`. Assumes WIDTH divides channels (RowBlocks guarantees it).
// partial: accum [spans, 2, channels]. Deterministic.
// uses: common/tree.cl common/moments.cl

// Merges the items of a group, which is a span, and stores what they have found of channel c.
INLINE void store_span(const Moments own, const Grid grid, global accum *partial,
                       const int channels, const int c, local accum *counts, local accums *means,
                       local accums *squares) {
  const Moments all =
      merge_over_rows(own, get_local_id(0), grid.columns, grid.rows, counts, means, squares);
  if (grid.row == 0 && c < channels) {
    global accum *mine = partial + (size_t)get_group_id(1) * 2 * channels + c;
    store_accums(all.mean, mine);
    store_accums(all.squares, mine + channels);
  }
}

LINE_KERNEL void normalization_statistics(const global real *restrict x,
                                          global accum *restrict partial, const int rows,
                                          const int channels, const int span_rows,
                                          const int block_rows, const int columns) {
  LOCAL_ARRAY accum counts[LOCAL_SIZE];
  LOCAL_ARRAY accums means[LOCAL_SIZE];
  LOCAL_ARRAY accums squares[LOCAL_SIZE];
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  const int first = get_group_id(1) * span_rows;
  const int end = c < channels ? min(first + span_rows, rows) : 0;
  Moments own = no_moments();
  for (int block = first; block < end; block += block_rows) {
    const int first_row = block + grid.row;
    const int end_row = min(block + block_rows, end);
    if (first_row >= end_row) break;
    const accums shift = load_reals(x + (size_t)first_row * channels + c);
    accums sum = SPREAD(0);
    for (int row = first_row; row < end_row; row += grid.rows) {
      sum += load_reals(x + (size_t)row * channels + c) - shift;
    }
    Moments next;
    next.count = (accum)((end_row - first_row + grid.rows - 1) / grid.rows);
    next.mean = shift + sum / next.count;
    next.squares = SPREAD(0);
    for (int row = first_row; row < end_row; row += grid.rows) {
      const accums deviation = load_reals(x + (size_t)row * channels + c) - next.mean;
      next.squares = fma(deviation, deviation, next.squares);
    }
    own = merge_moments(own, next);
  }
  store_span(own, grid, partial, channels, c, counts, means, squares);
}

// Rows are `lines` lines of `width` pixels. A part is part_lines of them by part_width pixels, and parts
// along the same lines are neighbors; a span is span_parts parts, whole lines of them.
LINE_KERNEL void normalization_merge_statistics(const global accum *restrict parts,
                                                global accum *restrict partial, const int lines,
                                                const int width, const int channels,
                                                const int part_lines, const int part_width,
                                                const int span_parts, const int columns) {
  LOCAL_ARRAY accum counts[LOCAL_SIZE];
  LOCAL_ARRAY accums means[LOCAL_SIZE];
  LOCAL_ARRAY accums squares[LOCAL_SIZE];
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  const int across = (width + part_width - 1) / part_width;
  const int all = (lines + part_lines - 1) / part_lines * across;
  const int first = get_group_id(1) * span_parts;
  const int end = c < channels ? min(first + span_parts, all) : 0;
  Moments own = no_moments();
  for (int part = first + grid.row; part < end; part += grid.rows) {
    const int first_line = part / across * part_lines;
    const int first_pixel = part % across * part_width;
    const int count = min(part_lines, lines - first_line) * min(part_width, width - first_pixel);
    const global accum *theirs = parts + (size_t)part * 2 * channels + c;
    const Moments next = {(accum)count, load_accums(theirs), load_accums(theirs + channels)};
    own = merge_moments(own, next);
  }
  store_span(own, grid, partial, channels, c, counts, means, squares);
}
