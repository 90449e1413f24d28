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
// uses: common/result.cl common/tree.cl

REDUCTION_KERNEL void gemm_epilogue(const global real *restrict product,
                                    const global accum *restrict bias,
                                    const global real *restrict residual, global real *restrict y,
                                    const int rows, const int columns, const int item_rows) {
  const int j = get_global_id(0) * WIDTH;
  if (j >= columns) return;
  FOR_EACH_ROW(rows) {
    const size_t at = (size_t)row * columns + j;
    store_product(load_reals(product + at), bias + j, residual + at, y + at);
  }
}
