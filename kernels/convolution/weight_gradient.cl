// The weight gradient of a convolution of channels-last images, split over image rows:
//
//   convolution_weight_gradient
//     partial[part, r, s, c, k] = sum over the part's rows (n, p) and all q of
//                                 x[n, p sh + r - ph, q sw + s - pw, c] dy[n, p, q, k]
//     bias_partial[part, k]     = sum over the part's rows and all q of dy[n, p, q, k], if HAS_BIAS
//
//   dw[r, s, c, k] is the sum over the parts, in order (common/partial_sums.cl over arrays
//   [parts, R S C K]), and so is the bias's gradient db[k]; with one part the launch writes them itself.
//
//   x: real [images, height, width, channels]; dy: real [images, out_height, out_width, filters];
//   partial: accum [parts, R, S, channels, filters]; bias_partial: accum [parts, filters].
//
// One work-item holds TILE_ROWS channels of x by TILE_VECTORS * WIDTH filters in registers and
// walks over pixels: per pixel TILE_ROWS broadcasts of neighboring numbers and TILE_VECTORS vector
// loads.
//
// Geometry: axis 0 counts filter tiles, axis 1 (r, s, channel tile) and one more for the bias, axis 2
// parts. Assumes that WIDTH * TILE_VECTORS divides filters and TILE_ROWS divides channels (WeightGradientTile guarantees
// both). Tunables: WIDTH, TILE_ROWS, TILE_VECTORS, LOCAL_SIZE. Shape class: HAS_BIAS.
// Accumulator: accum. Deterministic for a given number of parts.
// uses: common/tile.cl

#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif

LINE_KERNEL void convolution_weight_gradient(
    const global real *restrict dy, const global real *restrict x, global accum *restrict partial,
    global accum *restrict bias_partial, const int images, const int channels, const int height,
    const int width, const int filters, const int out_height, const int out_width,
    const int filter_height, const int filter_width, const int stride_height,
    const int stride_width, const int padding_height, const int padding_width,
    const int rows_per_part, const int grid_columns) {
  const Grid grid = grid_of(grid_columns);
  const int k = global_column(grid) * TILE_COLUMNS;
  const int channel_tiles = channels / TILE_ROWS;
  const int c = global_row(grid) % channel_tiles * TILE_ROWS;
  const int tap = global_row(grid) / channel_tiles;
  const int part = get_global_id(2);
  const int end_row = min((part + 1) * rows_per_part, images * out_height);
#if HAS_BIAS
  if (k < filters && tap == filter_height * filter_width && c == 0) {
    const size_t first = (size_t)part * rows_per_part;
    sum_columns(dy + first * out_width * filters + k, (end_row - first) * out_width, filters,
                bias_partial + (size_t)part * filters + k);
  }
#endif
  if (k >= filters || tap >= filter_height * filter_width) return;
  const int r = tap / filter_width;
  const int s = tap % filter_width;

  // The pixels q whose column q stride_width + s - padding_width lies inside x.
  const int offset = s - padding_width;
  const int first_q = offset >= 0 ? 0 : (-offset + stride_width - 1) / stride_width;
  const int last_column = width - 1 - offset;
  const int end_q = last_column < 0 ? 0 : min(out_width, last_column / stride_width + 1);

  Tile tile;
  clear_tile(&tile);
  for (int row = part * rows_per_part; row < end_row; ++row) {
    const int h = row % out_height * stride_height + r - padding_height;
    if (h < 0 || h >= height) continue;
    const size_t line = ((size_t)(row / out_height) * height + h) * width;
    const global real *numbers[TILE_ROWS];
#pragma unroll
    for (int i = 0; i < TILE_ROWS; ++i) {
      numbers[i] = x + (line + first_q * stride_width + offset) * channels + c + i;
    }
    size_t at = 0;
    const global real *gradient = dy + ((size_t)row * out_width + first_q) * filters + k;
    for (int q = first_q; q < end_q; ++q) {
      add_product(&tile, numbers, at, gradient);
      at += (size_t)stride_width * channels;
      gradient += filters;
    }
  }
  const size_t taps = (size_t)filter_height * filter_width;
  global accum *result = partial + (((size_t)part * taps + tap) * channels + c) * filters + k;
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) {
      store_accums(tile.sum[i][v], result + (size_t)i * filters + v * WIDTH);
    }
  }
}
