// Matrix product with an epilogue:
//
//   y[i, j] = phi(bias[j] + residual[i, j] + sum over l of a[i, l] b[l, j])
//
//   a: real, element (i, l) at i * row_stride + l * inner_stride, so plain or transposed;
//   b: real [inner, columns], packed; y and residual: RESULT [rows, columns];
//   bias: accum [columns]; terms: of common/result.cl.
//
//               l ->                 columns ->
//             [ a[i, l] ]          [ b[l, j ...] ]      One work-item holds TILE_ROWS rows by
//    rows     [ ...     ]    x                          TILE_VECTORS * WIDTH columns of y in
//             [ ...     ]                               registers; each l loads one row of b.
//
// Rows beyond the last are computed as copies of the last and not stored.
//
// Geometry: axis 0 counts column tiles, axis 1 row tiles, axis 2 products, whose arrays lie one behind
// the other. Assumes WIDTH * TILE_VECTORS divides
// columns (RegisterTile guarantees it). Tunables: WIDTH, TILE_ROWS, TILE_VECTORS, LOCAL_SIZE.
// Shape class: ACTIVATION, RESULT_IS_ACCUM. Accumulator: accum,
// one sum in order of l. Deterministic.
// uses: common/result.cl common/tile.cl

LINE_KERNEL void gemm_register_tile(const global real *restrict a, const global real *restrict b,
                                    const global accum *restrict bias,
                                    const global RESULT *restrict residual,
                                    global RESULT *restrict y, const int terms, const int rows,
                                    const int columns, const int inner, const int row_stride,
                                    const int inner_stride, const int grid_columns) {
  const Grid grid = grid_of(grid_columns);
  const int j = global_column(grid) * TILE_COLUMNS;
  const int first_row = global_row(grid) * TILE_ROWS;
  if (j >= columns || first_row >= rows) return;
  const size_t product = get_group_id(2);
  a += product * rows * inner;
  b += product * inner * columns;
  residual += product * rows * columns;
  y += product * rows * columns;
  Tile tile;
  clear_tile(&tile);
  const global real *left[TILE_ROWS];
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
    left[i] = a + (size_t)min(first_row + i, rows - 1) * row_stride;
  }
  const global real *right = b + j;
  size_t at = 0;
  for (int l = 0; l < inner; ++l) {
    add_product(&tile, left, at, right);
    right += columns;
    at += inner_stride;
  }
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
    if (first_row + i < rows) {
      const size_t place = (size_t)(first_row + i) * columns + j;
#pragma unroll
      for (int v = 0; v < TILE_VECTORS; ++v) {
        store_product(tile.sum[i][v], terms, bias + j + v * WIDTH, residual + place + v * WIDTH,
                      y + place + v * WIDTH);
      }
    }
  }
}
