// The epilogue of a matrix product that a library computed:
//
//   y[i, j] = phi(product[i, j] + bias[j] + residual[i, j])
//
//   product, residual, y: real [rows, columns]; bias: accum [columns]; terms: of common/result.cl.
//
// Geometry: one item makes item_rows rows of one vector of WIDTH columns; axis 0 counts vectors,
// axis 1 blocks of rows. Assumes WIDTH divides columns (RowBlocks guarantees it). Tunables: WIDTH,
// LOCAL_SIZE. Shape class: ACTIVATION. Deterministic.
// uses: common/result.cl common/tree.cl

LINE_KERNEL void gemm_epilogue(const global real *restrict product,
                               const global accum *restrict bias,
                               const global real *restrict residual, global real *restrict y,
                               const int terms, const int rows, const int columns,
                               const int item_rows, const int grid_columns) {
  const Grid grid = grid_of(grid_columns);
  const int j = first_channel(grid);
  if (j >= columns) return;
  FOR_EACH_ROW(grid, rows) {
    const size_t at = (size_t)row * columns + j;
    store_product(load_reals(product + at), terms, bias + j, residual + at, y + at);
  }
}
