// Operations that give each channel a number, on channels-last arrays [rows, channels].
//
//   channelwise_bias_add    y[row, c] = x[row, c] + b[c]
//   channelwise_broadcast   y[row, c] = b[c]
//
// Geometry: one work-item makes item_rows rows of one vector of WIDTH channels; axis 0 counts
// vectors, axis 1 blocks of rows. Assumes WIDTH divides channels (RowBlocks guarantees
// it). Tunables: WIDTH, LOCAL_VECTORS and LOCAL_ROWS (the group's extents). b is accum
// [channels]. Deterministic.
// uses: common/real.cl

#ifndef LOCAL_VECTORS
#define LOCAL_VECTORS 1
#endif
#ifndef LOCAL_ROWS
#define LOCAL_ROWS 1
#endif
#if LOCAL_VECTORS < 1 || LOCAL_ROWS < 1
#error "sizes are positive"
#endif

#define CHANNELWISE_KERNEL \
  kernel __attribute__((reqd_work_group_size(LOCAL_VECTORS, LOCAL_ROWS, 1)))

CHANNELWISE_KERNEL void channelwise_bias_add(const global real *restrict x,
                                             const global accum *restrict bias,
                                             global real *restrict y, const int rows,
                                             const int channels, const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const accums addend = load_accums(bias + c);
  int row = get_group_id(1) * (LOCAL_ROWS * item_rows) + get_local_id(1);
  for (int item = 0; item < item_rows && row < rows; ++item, row += LOCAL_ROWS) {
    const size_t at = (size_t)row * channels + c;
    store_reals(load_reals(x + at) + addend, y + at);
  }
}

CHANNELWISE_KERNEL void channelwise_broadcast(const global accum *restrict values,
                                              global real *restrict y, const int rows,
                                              const int channels, const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const accums value = load_accums(values + c);
  int row = get_group_id(1) * (LOCAL_ROWS * item_rows) + get_local_id(1);
  for (int item = 0; item < item_rows && row < rows; ++item, row += LOCAL_ROWS) {
    store_reals(value, y + (size_t)row * channels + c);
  }
}
