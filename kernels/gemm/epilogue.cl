// The epilogue of a matrix product that a library computed:
//
//   y[i, j] = phi(product[i, j] + bias[j] + residual[i, j])
//
//   product, residual, y: real [rows, columns]; bias: accum [columns].
//
// Geometry: one item makes item_rows rows of one vector of WIDTH columns; axis 0 counts vectors,
// axis 1 blocks of rows. Assumes WIDTH divides columns (RowBlocks guarantees it). Tunables: WIDTH,
// LOCAL_VECTORS and LOCAL_ROWS (the group's extents). Shape class: ACTIVATION, HAS_BIAS,
// HAS_RESIDUAL. Deterministic.
// uses: common/result.cl

#ifndef LOCAL_VECTORS
#define LOCAL_VECTORS 1
#endif
#ifndef LOCAL_ROWS
#define LOCAL_ROWS 1
#endif
#if LOCAL_VECTORS < 1 || LOCAL_ROWS < 1
#error "sizes are positive"
#endif

kernel __attribute__((reqd_work_group_size(LOCAL_VECTORS, LOCAL_ROWS, 1))) void gemm_epilogue(
    const global real *restrict product, const global accum *restrict bias,
    const global real *restrict residual, global real *restrict y, const int rows,
    const int columns, const int item_rows) {
  const int j = get_global_id(0) * WIDTH;
  if (j >= columns) return;
  int row = get_group_id(1) * (LOCAL_ROWS * item_rows) + get_local_id(1);
  for (int item = 0; item < item_rows && row < rows; ++item, row += LOCAL_ROWS) {
    const size_t at = (size_t)row * columns + j;
    store_product(load_reals(product + at), bias + j, residual + at, y + at);
  }
}
