// Sums over the rows of arrays [rows, channels], channel by channel, in two stages.
//
//   reduction_channels        partial[g, c] = sum of x[row, c] over the g-th block of rows
//   reduction_partial_sums    sums over the parts of arrays (common/partial_sums.cl)
//
// Geometry: reduction_channels: axis 0 counts vectors of WIDTH channels, axis 1 blocks of
// `block_rows` rows, one group each; WIDTH divides channels (RowBlocks guarantees it).
// reduction_partial_sums: axis 0 counts rows of the table, one group each. partial: accum [blocks,
// channels]. Deterministic.
// uses: common/tree.cl common/partial_sums.cl

LINE_KERNEL void reduction_channels(const global real *restrict x, global accum *restrict partial,
                                    const int rows, const int channels, const int block_rows,
                                    const int columns) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  const Grid grid = grid_of(columns);
  const int c = first_channel(grid);
  const int first = get_group_id(1) * block_rows;
  const int end = c < channels ? min(first + block_rows, rows) : 0;
  accums sum = SPREAD(0);
  for (int row = first + grid.row; row < end; row += grid.rows) {
    sum += load_reals(x + (size_t)row * channels + c);
  }
  sum = sum_over_rows(sum, grid, tree);
  if (grid.row == 0 && c < channels) {
    store_accums(sum, partial + (size_t)get_group_id(1) * channels + c);
  }
}

LINE_KERNEL void reduction_partial_sums(global accum *slab, const global uint *table) {
  add_up_parts(slab, table + (size_t)get_group_id(0) * 8, get_local_id(0), LOCAL_SIZE);
}
