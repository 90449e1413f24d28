// Weight gradients of convolutions by Winograd's algorithm (convolution/winograd.cl): the gradients of a
// tile's results pass as a kernel over the image around them.
//
//   convolution_winograd_weight_gradient
//     partial[part, r, s, c, k] = sum over the part's rows (n, p) and all q of
//                                 x[n, p + r - 1, q + s - 1, c] dy[n, p, q, k]
//     bias_partial[part, k]     = sum over the part's rows and all q of dy[n, p, q, k], if HAS_BIAS
//
//   as convolution_weight_gradient (convolution/weight_gradient.cl) makes them, with the same
//   arguments; a part has part_lines rows, counted through all images: whole rows of tiles.
//
// At each place the sum over tiles is the product of two matrices, channels by tiles and tiles by
// filters. A group's are UNIT_CHANNELS by UNIT_FILTERS of them, whose sums stay in local memory from
// tile to tile; each part ends with the inverse transform, so that partial gradients and not sums, four
// times as many, are added up. TILE_ROWS channels by TILE_VECTORS * WIDTH filters are in registers.
//
// Geometry: groups of one item; axis 0 counts units of filters, axis 1 units of channels and one more
// for the bias, axis 2 parts. Assumes that UNIT_CHANNELS divides channels and UNIT_FILTERS filters, and
// that part_lines is a multiple of SIDE and SIDE divides the height, or the height divides part_lines
// (WinogradTiles guarantees it). Tunables: WIDTH, TILES, TILE_ROWS, TILE_VECTORS, UNIT_CHANNELS,
// UNIT_FILTERS. Shape class: HAS_BIAS, HAS_PROLOGUE, ACTIVATION. Accumulator: accum. Deterministic for a
// given number of parts.
// After common/real.cl, common/activation.cl, common/tile.cl, common/prologue.cl, convolution/winograd.cl.

#if defined(STORAGE_DOUBLE)
#error "the transforms' points are numbers in fp32"
#endif
#ifndef UNIT_CHANNELS
#define UNIT_CHANNELS (TILE_ROWS * WIDTH)
#endif
#ifndef UNIT_FILTERS
#define UNIT_FILTERS TILE_COLUMNS
#endif
#if UNIT_CHANNELS % WIDTH || UNIT_CHANNELS % TILE_ROWS || UNIT_FILTERS % TILE_COLUMNS
#error "vectors and register tiles make up a unit"
#endif

#define CHANNEL_VECTORS (UNIT_CHANNELS / WIDTH)
#define FILTER_VECTORS (UNIT_FILTERS / WIDTH)
#define SUM_STEP (UNIT_CHANNELS * FILTER_VECTORS)

// sums = or += numbers * gradients over `count` tiles at one place, of TILE_ROWS channels by
// TILE_COLUMNS filters.
INLINE void multiply_place(const local accum *numbers, const local accums *gradients,
                           local accums *sums, const int count, const int accumulates) {
  Tile tile;
  clear_tile(&tile);
  if (accumulates) {
#pragma unroll
    for (int i = 0; i < TILE_ROWS; ++i) {
#pragma unroll
      for (int v = 0; v < TILE_VECTORS; ++v) tile.sum[i][v] = sums[i * FILTER_VECTORS + v];
    }
  }
  for (int t = 0; t < count; ++t) {
#pragma unroll
    for (int i = 0; i < TILE_ROWS; ++i) {
      const accums number = SPREAD(numbers[t * UNIT_CHANNELS + i]);
#pragma unroll
      for (int v = 0; v < TILE_VECTORS; ++v) {
        tile.sum[i][v] = fma(number, gradients[t * FILTER_VECTORS + v], tile.sum[i][v]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) sums[i * FILTER_VECTORS + v] = tile.sum[i][v];
  }
}

TILE_KERNEL void convolution_winograd_weight_gradient(
    const global real *restrict dy, const global real *restrict x, global accum *restrict partial,
    global accum *restrict bias_partial, const int images, const int channels, const int height,
    const int width, const int filters, const int out_height, const int out_width,
    const int filter_height, const int filter_width, const int stride_height,
    const int stride_width, const int padding_height, const int padding_width,
    const int part_lines PROLOGUE_ARGUMENTS) {
  local accums numbers[PLACES * PLACE_STEP(UNIT_CHANNELS)];
  local accums gradients[PLACES * PLACE_STEP(UNIT_FILTERS)];
  local accums sums[PLACES * SUM_STEP];
#if HAS_PROLOGUE
  const Prologue prologue = PROLOGUE;
#endif
  const int k = (int)get_group_id(0) * UNIT_FILTERS;
  const int c = (int)get_group_id(1) * UNIT_CHANNELS;
  const int part = get_group_id(2);
  const int first_line = part * part_lines;
  const int end_line = min(first_line + part_lines, images * height);
#if HAS_BIAS
  if (c >= channels) {
    for (int column = k; column < k + UNIT_FILTERS; column += TILE_COLUMNS) {
      sum_columns(dy + (size_t)first_line * width * filters + column,
                  (size_t)(end_line - first_line) * width, filters,
                  bias_partial + (size_t)part * filters + column);
    }
    return;
  }
#endif
  const Tiling tiling = tiling_of(images, height, width);
  const int start = tile_of_line(&tiling, first_line);
  const int end = tile_of_line(&tiling, end_line);
  for (int first = start; first < end; first += TILES) {
    const int count = min(TILES, end - first);
    const Ahead ahead = pixels_ahead(&tiling, first + count);
    for (int t = 0; t < count; ++t) {
      const TilePlace tile = tile_place(&tiling, first + t);
      const size_t image = (size_t)tile.image * height * width;
      for (int v = 0; v < CHANNEL_VECTORS; ++v) {
        accums square[REACH * REACH];
        load_square(REACH, square, x + image * channels + c + v * WIDTH, channels, &tiling,
                    tile.row - 1, tile.column - 1);
#if HAS_PROLOGUE
        normalize_square(square, &prologue, c + v * WIDTH, &tiling, tile.row - 1, tile.column - 1);
#endif
        transform_image(square, numbers + t * CHANNEL_VECTORS + v, PLACE_STEP(UNIT_CHANNELS));
      }
      for (int v = 0; v < FILTER_VECTORS; ++v) {
        accums square[SIDE * SIDE];
        load_square(SIDE, square, dy + image * filters + k + v * WIDTH, filters, &tiling, tile.row,
                    tile.column);
        transform_gradient(square, gradients + t * FILTER_VECTORS + v, PLACE_STEP(UNIT_FILTERS));
      }
    }
    for (int place = 0; place < PLACES; ++place) {
      ask_for_share(place, &ahead, x + width * channels + c, channels, UNIT_CHANNELS);
      ask_for_share(place, &ahead, dy + k, filters, UNIT_FILTERS);
      const local accum *rows =
          (const local accum *)(numbers + (size_t)place * PLACE_STEP(UNIT_CHANNELS));
      const local accums *columns = gradients + (size_t)place * PLACE_STEP(UNIT_FILTERS);
      local accums *matrix = sums + (size_t)place * SUM_STEP;
      for (int j = 0; j < FILTER_VECTORS; j += TILE_VECTORS) {
        for (int i = 0; i < UNIT_CHANNELS; i += TILE_ROWS) {
          multiply_place(rows + i, columns + j, matrix + i * FILTER_VECTORS + j, count,
                         first > start);
        }
      }
    }
  }
  const size_t tap_step = (size_t)channels * filters;
  global accum *result = partial + (size_t)part * KERNEL_SIDE * KERNEL_SIDE * tap_step;
  for (int i = 0; i < UNIT_CHANNELS; ++i) {
    for (int j = 0; j < FILTER_VECTORS; ++j) {
      accums taps[KERNEL_SIDE * KERNEL_SIDE];
      inverse_sum(sums + i * FILTER_VECTORS + j, SUM_STEP, taps);
      global accum *at = result + (size_t)(c + i) * filters + k + j * WIDTH;
#pragma unroll
      for (int tap = 0; tap < KERNEL_SIDE * KERNEL_SIDE; ++tap) {
        store_accums(taps[tap], at + tap * tap_step);
      }
    }
  }
}
