// Matrix product with an epilogue, on a matrix unit:
//
//   y[i, j] = phi(bias[j] + residual[i, j] + sum over l of a[i, l] b[l, j])
//
//   a: real [rows, inner] if LEFT_INNER_LAST is 1, else [inner, rows];
//   b: real [columns, inner] if RIGHT_INNER_LAST is 1, else [inner, columns];
//   y and residual: RESULT [rows, columns]; bias: accum [columns]; terms: of common/result.cl.
//
// Geometry: axis 1 counts products, whose arrays lie one behind the other. Axis 0 has a group for each
// block of BLOCK_ROWS by BLOCK_COLUMNS; bands of BAND_BLOCKS blocks' height are walked column by
// column, so that groups that run together share operands. Assumes that rows of memory are multiples of
// 8 numbers, the columns too (MatrixTile guarantees it). Tunables: BAND_BLOCKS and those of
// common/matrix_tile.cl. Shape class: ACTIVATION, RESULT_IS_ACCUM, LEFT_INNER_LAST, RIGHT_INNER_LAST.
// Accumulator: float, in order of l by steps of FRAGMENT_PRODUCTS. Deterministic.
// uses: common/matrix_result.cl

#ifndef BAND_BLOCKS
#define BAND_BLOCKS 8
#endif
KERNEL(GROUP_ITEMS)
void gemm_matrix_tile(const global real *restrict a, const global real *restrict b,
                      const global accum *restrict bias, const global RESULT *restrict residual,
                      global RESULT *restrict y, const int terms, const int rows, const int columns,
                      const int inner) {
  LOCAL_ARRAY uint4 memory[MEMORY_CHUNKS];
  DECLARE_WARP(warp, WARPS);
  const int blocks_down = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
  const int blocks_across = (columns + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
  const int band = (int)get_group_id(0) / (BAND_BLOCKS * blocks_across);
  const int band_height = min(BAND_BLOCKS, blocks_down - band * BAND_BLOCKS);
  const int in_band = (int)get_group_id(0) % (BAND_BLOCKS * blocks_across);
  const int first_row = (band * BAND_BLOCKS + in_band % band_height) * BLOCK_ROWS;
  const int first_column = in_band / band_height * BLOCK_COLUMNS;

  const size_t product = get_group_id(1);
  a += product * rows * inner;
  b += product * inner * columns;
  residual += product * rows * columns;
  y += product * rows * columns;

  WarpTile tile;
  clear_sums(&tile);
#if LEFT_INNER_LAST
#define COPY_LEFT(at, slice) \
  copy_slice(&warp, slice, BLOCK_ROWS, LEFT_CHUNKS, a, first_row, rows, at, inner, inner)
#else
#define COPY_LEFT(at, slice) \
  copy_slice(&warp, slice, BLOCK_INNER, LEFT_CHUNKS, a, at, inner, first_row, rows, rows)
#endif
#if RIGHT_INNER_LAST
#define COPY_RIGHT(at, slice) \
  copy_slice(&warp, slice, BLOCK_COLUMNS, RIGHT_CHUNKS, b, first_column, columns, at, inner, inner)
#else
#define COPY_RIGHT(at, slice) \
  copy_slice(&warp, slice, BLOCK_INNER, RIGHT_CHUNKS, b, at, inner, first_column, columns, columns)
#endif
#define COPY_SLICE(number, left, right)  \
  COPY_LEFT((number)*BLOCK_INNER, left); \
  COPY_RIGHT((number)*BLOCK_INNER, right)
  MULTIPLY_SLICES(warp, tile, memory, (inner + BLOCK_INNER - 1) / BLOCK_INNER, COPY_SLICE,
                  NOTHING_TO_FINISH);

  const Result result = {bias, residual, y, terms, rows, columns};
  store_sums(&warp, &tile, memory, &result, first_row, first_column);
}
