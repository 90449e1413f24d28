// Sums over the rows of arrays [rows, channels], channel by channel, in two stages.
//
//   reduction_channels        partial[g, c] = sum of x[row, c] over the g-th block of rows
//   reduction_channel_partials     y[c] = sum of partial[g, c] over g < blocks
//   reduction_two_partials         the same for two arrays with channels of their own, in one launch
//   reduction_channel_pairs        the same for partial[g, 0, c] and partial[g, 1, c], two results
//
// Geometry: axis 0 counts vectors of WIDTH channels, axis 1 blocks of `block_rows` rows, one group
// each; the second stages have one group along axis 1. Assumes WIDTH divides channels
// (RowBlocks guarantees it). partial: accum [blocks, channels]; y: accum [channels].
// Deterministic. After common/real.cl, common/tree.cl.

REDUCTION_KERNEL void reduction_channels(const global real *restrict x,
                                         global accum *restrict partial, const int rows,
                                         const int channels, const int block_rows) {
  local accums tree[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int first = get_group_id(1) * block_rows;
  const int end = c < channels ? min(first + block_rows, rows) : 0;
  accums sum = SPREAD(0);
  for (int row = first + get_local_id(1); row < end; row += LOCAL_ROWS) {
    sum += load_reals(x + (size_t)row * channels + c);
  }
  sum = sum_over_rows(sum, tree);
  if (get_local_id(1) == 0 && c < channels) {
    store_accums(sum, partial + (size_t)get_group_id(1) * channels + c);
  }
}

REDUCTION_KERNEL void reduction_channel_partials(const global accum *restrict partial,
                                                 global accum *restrict y, const int blocks,
                                                 const int channels) {
  local accums tree[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int end = c < channels ? blocks : 0;
  accums sum = SPREAD(0);
  for (int block = get_local_id(1); block < end; block += LOCAL_ROWS) {
    sum += load_accums(partial + (size_t)block * channels + c);
  }
  sum = sum_over_rows(sum, tree);
  if (get_local_id(1) == 0 && c < channels) store_accums(sum, y + c);
}

REDUCTION_KERNEL void reduction_two_partials(const global accum *restrict partial,
                                             global accum *restrict y, const int blocks,
                                             const int channels,
                                             const global accum *restrict other_partial,
                                             global accum *restrict other_y,
                                             const int other_channels) {
  local accums tree[LOCAL_ITEMS];
  const int column = get_global_id(0) * WIDTH;
  const int is_other = column >= channels;
  const int c = is_other ? column - channels : column;
  const int extent = is_other ? other_channels : channels;
  const global accum *from = (is_other ? other_partial : partial) + c;
  const int end = c < extent ? blocks : 0;
  accums sum = SPREAD(0);
  for (int block = get_local_id(1); block < end; block += LOCAL_ROWS) {
    sum += load_accums(from + (size_t)block * extent);
  }
  sum = sum_over_rows(sum, tree);
  if (get_local_id(1) == 0 && c < extent) store_accums(sum, (is_other ? other_y : y) + c);
}

REDUCTION_KERNEL void reduction_channel_pairs(const global accum *restrict partial,
                                              global accum *restrict first,
                                              global accum *restrict second, const int blocks,
                                              const int channels) {
  local accums tree[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int end = c < channels ? blocks : 0;
  accums sum = SPREAD(0);
  accums other = SPREAD(0);
  for (int block = get_local_id(1); block < end; block += LOCAL_ROWS) {
    const global accum *pair = partial + (size_t)block * 2 * channels + c;
    sum += load_accums(pair);
    other += load_accums(pair + channels);
  }
  sum = sum_over_rows(sum, tree);
  other = sum_over_rows(other, tree);
  if (get_local_id(1) == 0 && c < channels) {
    store_accums(sum, first + c);
    store_accums(other, second + c);
  }
}
