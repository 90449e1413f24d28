// Convolution of channels-last images, forward and input gradient, as an implicit matrix product:
//
//   convolution_register_tile_forward
//     y[n, p, q, k] = phi(bias[k] + residual[n, p, q, k] +
//         sum over r, s, c of x[n, p sh + r - ph, q sw + s - pw, c] w[r, s, c, k])
//   convolution_register_tile_input_gradient
//     x[n, h, w, c] =
//         sum over r, s, k of y[n, (h + ph - r) / sh, (w + pw - s) / sw, k] v[r, s, k, c]
//     over those r, s whose quotients are whole and inside y; v is w with its last axes exchanged
//     (prepare_variables). Perhaps plus addend[n, h, w, c], and times phi' at reference[n, h, w, c],
//     which is phi's argument or, if SLOPE_FROM_OUTPUT, its value.
//
//   `terms` says whether there are bias, residual and phi, or addend and phi' (common/result.cl).
//
//   x: real [images, height, width, channels]; y: real [images, out_height, out_width, filters];
//   w: real [R, S, channels, filters]; bias: accum [filters]; residual like y;
//   addend, reference like x.
//
// One work-item holds a tile of TILE_ROWS pixels of one image row by TILE_VECTORS * WIDTH
// channels in registers:
//
//              channels of the result ->
//     pixel 0  [ vector ][ vector ]      For each tap (r, s) and channel of the source, one load
//     pixel 1  [ vector ][ vector ]      of weights a vector and one broadcast a pixel feed
//     ...                                TILE_ROWS * TILE_VECTORS multiply-adds.
//
// Pixels outside the source read from `zeros` (real, as many as the source has channels), so that
// the inner loop has no branch. For the input gradient, pixels of a tile are sw columns apart: the
// columns of one class modulo the stride see the same taps.
//
// If HAS_STATISTICS, a group of the forward convolution takes part_lines image rows, as many as its
// grid has at once, and stores mean and squared deviations of each channel of the pixels of y that it makes, as
// they are stored: partial[part, 0, k] and partial[part, 1, k], accum [parts, 2, filters], parts in
// order of rows, then of tiles along them. Tiles are merged in order, items in a tree.
//
// Geometry: axis 0 counts channel tiles, axis 1 image rows (times classes), axis 2 tiles along a
// row. Assumes WIDTH * TILE_VECTORS divides the
// result's channels (RegisterTile guarantees it). Tunables: WIDTH, TILE_ROWS, TILE_VECTORS,
// LOCAL_SIZE. Shape class: ACTIVATION, SLOPE_FROM_OUTPUT, HAS_STATISTICS. Accumulator: accum, one sum
// in order r, s, c; error about eps sqrt(R S channels). Deterministic. Input gradients may take
// partial sums along (common/partial_sums.cl).
// uses: common/result.cl common/tile.cl common/moments.cl common/partial_sums.cl

// One tap: all channels of the source. `line` is its row, `column` the first pixel's column and
// `step` the distance to the next pixel's.
static inline void multiply_tap(Tile *tile, const global real *line, const int column,
                                const int step, const int columns, const int channels,
                                const global real *zeros, const global real *weights,
                                const int result_channels) {
  const global real *pixels[TILE_ROWS];
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
    const int at = column + i * step;
    pixels[i] = at >= 0 && at < columns ? line + at * channels : zeros;
  }
  int c = 0;
  for (; c + 4 <= channels; c += 4) {
#pragma unroll
    for (int unrolled = 0; unrolled < 4; ++unrolled) {
      add_product(tile, pixels, c + unrolled, weights);
      weights += result_channels;
    }
  }
  for (; c < channels; ++c) {
    add_product(tile, pixels, c, weights);
    weights += result_channels;
  }
}

#if HAS_STATISTICS
#define STATISTICS_ARGUMENTS , global accum *restrict partial, const int part_lines
#define FOR_EACH_LINE(row, lines)                           \
  const int first_line = (int)get_group_id(1) * part_lines; \
  const int end_line = min(first_line + part_lines, lines); \
  for (int row = first_line + grid.row; row < end_line; row += grid.rows)
#else
#define STATISTICS_ARGUMENTS
#define FOR_EACH_LINE(row, lines)   \
  const int row = global_row(grid); \
  if (row >= (lines)) return;
#endif

LINE_KERNEL void convolution_register_tile_forward(
    const global real *restrict x, const global real *restrict w, const global accum *restrict bias,
    const global real *restrict residual, const global real *restrict zeros,
    global real *restrict y, const int terms, const int images, const int channels,
    const int height, const int width, const int filters, const int out_height, const int out_width,
    const int filter_height, const int filter_width, const int stride_height,
    const int stride_width, const int padding_height, const int padding_width,
    const int grid_columns STATISTICS_ARGUMENTS) {
  const Grid grid = grid_of(grid_columns);
  const int k = global_column(grid) * TILE_COLUMNS;
  const int q = get_global_id(2) * TILE_ROWS;
#if HAS_STATISTICS
  Moments moments[TILE_VECTORS];
#pragma unroll
  for (int v = 0; v < TILE_VECTORS; ++v) moments[v] = no_moments();
#endif
  FOR_EACH_LINE(row, k < filters ? images * out_height : 0) {
    const int top = row % out_height * stride_height - padding_height;
    const global real *image = x + (size_t)(row / out_height) * height * width * channels;
    const int first_tap = max(0, -top);
    const int end_tap = min(filter_height, height - top);
    Tile tile;
    clear_tile(&tile);
    for (int r = first_tap; r < end_tap; ++r) {
      const global real *line = image + (size_t)(top + r) * width * channels;
      for (int s = 0; s < filter_width; ++s) {
        const int column = q * stride_width + s - padding_width;
        const global real *weights = w + (size_t)(r * filter_width + s) * channels * filters + k;
        multiply_tap(&tile, line, column, stride_width, width, channels, zeros, weights, filters);
      }
    }
#if HAS_STATISTICS
    Series series[TILE_VECTORS];
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) series[v] = empty_series();
#endif
#pragma unroll
    for (int i = 0; i < TILE_ROWS; ++i) {
      if (q + i < out_width) {
        const size_t at = ((size_t)row * out_width + q + i) * filters + k;
#pragma unroll
        for (int v = 0; v < TILE_VECTORS; ++v) {
          const size_t place = at + v * WIDTH;
          store_product(tile.sum[i][v], terms, bias + k + v * WIDTH, residual + place, y + place);
#if HAS_STATISTICS
          const accums stored = load_reals(y + place);
          if (i == 0) series[v].first = stored;
          observe(&series[v], stored);
#endif
        }
      }
    }
#if HAS_STATISTICS
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) {
      series[v].count = (accum)min(TILE_ROWS, out_width - q);
      moments[v] = merge_moments(moments[v], moments_of(&series[v]));
    }
#endif
  }
#if HAS_STATISTICS
  LOCAL_ARRAY accum counts[LOCAL_SIZE];
  LOCAL_ARRAY accums means[LOCAL_SIZE];
  LOCAL_ARRAY accums squares[LOCAL_SIZE];
  const int part = get_group_id(1) * get_num_groups(2) + get_group_id(2);
  global accum *mine = partial + (size_t)part * 2 * filters + k;
#pragma unroll
  for (int v = 0; v < TILE_VECTORS; ++v) {
    const Moments all = merge_over_rows(moments[v], get_local_id(0), grid.columns, grid.rows,
                                        counts, means, squares);
    if (grid.row == 0 && k < filters) {
      store_accums(all.mean, mine + v * WIDTH);
      store_accums(all.squares, mine + filters + v * WIDTH);
    }
  }
#endif
}

#if !HAS_STATISTICS

LINE_KERNEL void convolution_register_tile_input_gradient(
    const global real *restrict y, const global real *restrict v_weights,
    const global real *restrict addend, const global real *restrict reference,
    const global real *restrict zeros, global real *restrict x, const int terms, const int images,
    const int channels, const int height, const int width, const int filters, const int out_height,
    const int out_width, const int filter_height, const int filter_width, const int stride_height,
    const int stride_width, const int padding_height, const int padding_width,
    const int grid_columns PARTS_ARGUMENTS) {
  ADD_UP_PARTS
  const Grid grid = grid_of(grid_columns);
  const int c = global_column(grid) * TILE_COLUMNS;
  const int row_and_class = global_row(grid);
  const int row = row_and_class / stride_width;
  const int first_column = row_and_class % stride_width;
  // Columns first_column + j * stride_width of the image, for j below this number.
  const int class_width = (width - first_column + stride_width - 1) / stride_width;
  const int j = get_global_id(2) * TILE_ROWS;
  if (c >= channels || row >= images * height || j >= class_width) return;
  const int shifted_row = row % height + padding_height;
  const global real *image = y + (size_t)(row / height) * out_height * out_width * filters;
  Tile tile;
  clear_tile(&tile);
  for (int r = 0; r < filter_height; ++r) {
    const int reach = shifted_row - r;
    if (reach < 0 || reach % stride_height != 0 || reach / stride_height >= out_height) continue;
    const global real *line = image + (size_t)(reach / stride_height) * out_width * filters;
    for (int s = 0; s < filter_width; ++s) {
      const int offset = first_column + padding_width - s;
      if (offset % stride_width != 0) continue;
      multiply_tap(&tile, line, j + offset / stride_width, 1, out_width, filters, zeros,
                   v_weights + (size_t)(r * filter_width + s) * filters * channels + c, channels);
    }
  }
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
    if (j + i < class_width) {
      const int column = first_column + (j + i) * stride_width;
      const size_t at = ((size_t)row * width + column) * channels + c;
#pragma unroll
      for (int v = 0; v < TILE_VECTORS; ++v) {
        const size_t place = at + v * WIDTH;
        store_gradient(tile.sum[i][v], terms, addend + place, reference + place, x + place);
      }
    }
  }
}

#endif
