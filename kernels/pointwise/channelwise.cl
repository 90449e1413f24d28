// Operations that give each channel a number, on channels-last arrays [rows, channels].
//
//   channelwise_bias_add    y[row, c] = x[row, c] + b[c]
//   channelwise_broadcast   y[row, c] = b[c]
//
// Geometry: one work-item makes item_rows rows of one vector of WIDTH channels; axis 0 counts
// vectors, axis 1 blocks of rows. Assumes WIDTH divides channels (RowBlocks guarantees
// it). Tunables: WIDTH, LOCAL_SIZE. b is accum
// [channels]. Deterministic.
// uses: common/tree.cl

LINE_KERNEL void channelwise_bias_add(const global real *restrict x,
                                      const global accum *restrict bias, global real *restrict y,
                                      const int rows, const int channels, const int item_rows,
                                      const int columns) {
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  if (c >= channels) return;
  const accums addend = load_accums(bias + c);
  FOR_EACH_ROW(grid, rows) {
    const size_t at = (size_t)row * channels + c;
    store_reals(load_reals(x + at) + addend, y + at);
  }
}

LINE_KERNEL void channelwise_broadcast(const global accum *restrict values, global real *restrict y,
                                       const int rows, const int channels, const int item_rows,
                                       const int columns) {
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  if (c >= channels) return;
  const accums value = load_accums(values + c);
  FOR_EACH_ROW(grid, rows) { store_reals(value, y + (size_t)row * channels + c); }
}
