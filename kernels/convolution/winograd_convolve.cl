// Convolutions by Winograd's algorithm (convolution/winograd.cl), and their input gradients, which
// are convolutions with channels and filters exchanged and the kernel turned:
//
//   convolution_winograd_forward          y = phi(bias + residual + x * w), with statistics if
//                                         HAS_STATISTICS, of normalized x if HAS_PROLOGUE
//   convolution_winograd_input_gradient   x = y * v; if HAS_SLOPE, (y * v + addend) phi'(reference)
//
//   the images: real [images, height, width, SOURCE_CHANNELS] in, RESULT_CHANNELS out; bias: accum
//   [RESULT_CHANNELS]; residual, addend and reference like the result; w and v: accum
//   [36, SOURCE_CHANNELS, RESULT_CHANNELS], transformed weights, v of the turned kernel
//   (prepare_variables).
//
// At each place TILE_ROWS tiles by TILE_VECTORS * WIDTH results are held in registers:
//
//              results ->
//     tile 0   [ vector ][ vector ]      For each channel one load of weights a vector and one
//     tile 1   [ vector ][ vector ]      broadcast a tile feed TILE_ROWS * TILE_VECTORS multiply-adds.
//     ...
//
// A group takes group_lines rows of images, counted through all of them: whole rows of tiles. If
// HAS_STATISTICS it stores mean and squared deviations of each channel of what it makes, as it is
// stored: partial[group, 0, k] and partial[group, 1, k], accum [groups, 2, RESULT_CHANNELS].
//
// Geometry: groups of one item along axis 1. Assumes that group_lines is a multiple of SIDE and SIDE
// divides the height, or the height divides group_lines (WinogradTiles guarantees it). Tunables: WIDTH,
// TILES, TILE_ROWS, which divides TILES, TILE_VECTORS. Shape class: SOURCE_CHANNELS, RESULT_CHANNELS,
// ACTIVATION, HAS_BIAS, HAS_RESIDUAL, HAS_SLOPE, HAS_ADDEND, SLOPE_FROM_OUTPUT, HAS_STATISTICS,
// HAS_PROLOGUE. Accumulator: accum, one sum a place in order of channels; error about four times a
// direct sum's. Deterministic: each result is the same whatever the groups. Input gradients may take
// partial sums along (MERGES_PARTS). After common/real.cl, common/activation.cl, common/result.cl, common/tile.cl,
// common/moments.cl, common/partial_sums.cl, common/prologue.cl, convolution/winograd.cl.

#if defined(STORAGE_DOUBLE)
#error "the transforms' points are numbers in fp32"
#endif
#ifndef SOURCE_CHANNELS
#define SOURCE_CHANNELS WIDTH
#endif
#ifndef RESULT_CHANNELS
#define RESULT_CHANNELS TILE_COLUMNS
#endif
#if SOURCE_CHANNELS % WIDTH || RESULT_CHANNELS % TILE_COLUMNS || TILES % TILE_ROWS
#error "vectors make up all channels, and register tiles all results and tiles"
#endif

#define SOURCE_VECTORS (SOURCE_CHANNELS / WIDTH)
#define RESULT_VECTORS (RESULT_CHANNELS / WIDTH)

// Products at one place of TILE_ROWS tiles with TILE_COLUMNS results.
INLINE void multiply_place(const local accum *numbers, const global accum *weights,
                           local accums *products) {
  Tile tile;
  clear_tile(&tile);
  for (int c = 0; c < SOURCE_CHANNELS; ++c) {
    accums vectors[TILE_VECTORS];
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) {
      vectors[v] = load_accums(weights + (size_t)c * RESULT_CHANNELS + v * WIDTH);
    }
#pragma unroll
    for (int i = 0; i < TILE_ROWS; ++i) {
      const accums number = SPREAD(numbers[i * SOURCE_CHANNELS + c]);
#pragma unroll
      for (int v = 0; v < TILE_VECTORS; ++v) {
        tile.sum[i][v] = fma(number, vectors[v], tile.sum[i][v]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) products[i * RESULT_VECTORS + v] = tile.sum[i][v];
  }
}

#if HAS_PROLOGUE
#define NORMALIZED_BY , const Prologue *prologue
#define BY_PROLOGUE , &prologue
#else
#define NORMALIZED_BY
#define BY_PROLOGUE
#endif

// The transforms of `count` tiles from `first` on, [place][tile][channel].
INLINE void transform_tiles(const global real *images, const Tiling *tiling, const int first,
                            const int count, local accums *numbers NORMALIZED_BY) {
  for (int t = 0; t < count; ++t) {
    const TilePlace tile = tile_place(tiling, first + t);
    const global real *image =
        images + (size_t)tile.image * tiling->height * tiling->width * SOURCE_CHANNELS;
    for (int v = 0; v < SOURCE_VECTORS; ++v) {
      accums square[REACH * REACH];
      load_square(REACH, square, image + v * WIDTH, SOURCE_CHANNELS, tiling, tile.row - 1,
                  tile.column - 1);
#if HAS_PROLOGUE
      normalize_square(square, prologue, v * WIDTH, tiling, tile.row - 1, tile.column - 1);
#endif
      transform_image(square, numbers + t * SOURCE_VECTORS + v, PLACE_STEP(SOURCE_CHANNELS));
    }
  }
}

// The products at a place, [tile][result]. Of tiles past the last it makes something that nobody reads.
INLINE void multiply_tiles(const int place, const global accum *weights, const int count,
                           const local accums *numbers, local accums *products) {
  const local accum *rows =
      (const local accum *)(numbers + (size_t)place * PLACE_STEP(SOURCE_CHANNELS));
  local accums *results = products + (size_t)place * PLACE_STEP(RESULT_CHANNELS);
  const global accum *matrix = weights + (size_t)place * SOURCE_CHANNELS * RESULT_CHANNELS;
  for (int k = 0; k < RESULT_CHANNELS; k += TILE_COLUMNS) {
    for (int t = 0; t < count; t += TILE_ROWS) {
      multiply_place(rows + t * SOURCE_CHANNELS, matrix + k,
                     results + t * RESULT_VECTORS + k / WIDTH);
    }
  }
}

// Runs `body` for each vector of WIDTH sums of a tile, which begins at element `at` of the result.
#define FOR_EACH_RESULT(products, v, place, body)                                         \
  do {                                                                                    \
    accums sums[SIDE * SIDE];                                                             \
    inverse_result(products, PLACE_STEP(RESULT_CHANNELS), sums);                          \
    _Pragma("unroll") for (int i = 0; i < SIDE * SIDE; ++i) {                             \
      const int row = (place).row + i / SIDE;                                             \
      const int column = (place).column + i % SIDE;                                       \
      if (row < height && column < width) {                                               \
        const size_t at =                                                                 \
            (((size_t)(place).image * height + row) * width + column) * RESULT_CHANNELS + \
            (v)*WIDTH;                                                                    \
        body                                                                              \
      }                                                                                   \
    }                                                                                     \
  } while (0)

// Asks for the tiles that come next in images that results are computed with or stored to.
#define ASK_FOR_RESULTS(images) \
  ask_for_share(place, &ahead, images, RESULT_CHANNELS, RESULT_CHANNELS)

// The tiles of this group, from `first` on, TILES at a time.
#define FOR_EACH_BATCH                                                                   \
  const Tiling tiling = tiling_of(images, height, width);                                \
  const int first_line = (int)get_group_id(1) * group_lines;                             \
  const int end = tile_of_line(&tiling, min(first_line + group_lines, images * height)); \
  for (int first = tile_of_line(&tiling, first_line); first < end; first += TILES)

#if HAS_STATISTICS
#define STATISTICS_ARGUMENTS , global accum *restrict partial
#else
#define STATISTICS_ARGUMENTS
#endif

TILE_KERNEL void convolution_winograd_forward(
    const global real *restrict x, const global accum *restrict w,
    const global accum *restrict bias, const global real *restrict residual,
    global real *restrict y, const int images, const int height, const int width,
    const int group_lines STATISTICS_ARGUMENTS PROLOGUE_ARGUMENTS) {
  local accums numbers[PLACES * PLACE_STEP(SOURCE_CHANNELS)];
  local accums products[PLACES * PLACE_STEP(RESULT_CHANNELS)];
#if HAS_PROLOGUE
  const Prologue prologue = PROLOGUE;
#endif
#if HAS_STATISTICS
  Moments moments[RESULT_VECTORS];
  for (int v = 0; v < RESULT_VECTORS; ++v) moments[v] = no_moments();
#endif
  FOR_EACH_BATCH {
    const int count = min(TILES, end - first);
    const Ahead ahead = pixels_ahead(&tiling, first + count);
    transform_tiles(x, &tiling, first, count, numbers BY_PROLOGUE);
    for (int place = 0; place < PLACES; ++place) {
      ask_for_share(place, &ahead, x + width * SOURCE_CHANNELS, SOURCE_CHANNELS, SOURCE_CHANNELS);
#if HAS_RESIDUAL
      ASK_FOR_RESULTS(residual);
#endif
      ASK_FOR_RESULTS(y);
      multiply_tiles(place, w, count, numbers, products);
    }
    for (int v = 0; v < RESULT_VECTORS; ++v) {
#if HAS_STATISTICS
      Series series = empty_series();
#endif
      for (int t = 0; t < count; ++t) {
        const TilePlace tile = tile_place(&tiling, first + t);
        FOR_EACH_RESULT(products + t * RESULT_VECTORS + v, v, tile, {
          store_product(sums[i], bias + v * WIDTH, residual + at, y + at);
#if HAS_STATISTICS
          const accums stored = load_reals(y + at);
          if (i == 0 && series.count == 0) series.first = stored;
          observe(&series, stored);
#endif
        });
#if HAS_STATISTICS
        series.count += (accum)(min(SIDE, height - tile.row) * min(SIDE, width - tile.column));
        if (series.count >= SERIES_LENGTH) {
          moments[v] = merge_moments(moments[v], moments_of(&series));
          series = empty_series();
        }
#endif
      }
#if HAS_STATISTICS
      moments[v] = merge_moments(moments[v], moments_of(&series));
#endif
    }
  }
#if HAS_STATISTICS
  global accum *mine = partial + (size_t)get_group_id(1) * 2 * RESULT_CHANNELS;
  for (int v = 0; v < RESULT_VECTORS; ++v) {
    store_accums(moments[v].mean, mine + v * WIDTH);
    store_accums(moments[v].squares, mine + RESULT_CHANNELS + v * WIDTH);
  }
#endif
}

#if !HAS_STATISTICS && !HAS_PROLOGUE

TILE_KERNEL void convolution_winograd_input_gradient(const global real *restrict y,
                                                     const global accum *restrict v_weights,
                                                     const global real *restrict addend,
                                                     const global real *restrict reference,
                                                     global real *restrict x, const int images,
                                                     const int height, const int width,
                                                     const int group_lines SHARE_ARGUMENTS) {
  ADD_UP_SHARE
  local accums numbers[PLACES * PLACE_STEP(SOURCE_CHANNELS)];
  local accums products[PLACES * PLACE_STEP(RESULT_CHANNELS)];
  FOR_EACH_BATCH {
    const int count = min(TILES, end - first);
    const Ahead ahead = pixels_ahead(&tiling, first + count);
    transform_tiles(y, &tiling, first, count, numbers);
    for (int place = 0; place < PLACES; ++place) {
      ask_for_share(place, &ahead, y + width * SOURCE_CHANNELS, SOURCE_CHANNELS, SOURCE_CHANNELS);
#if HAS_SLOPE
      ASK_FOR_RESULTS(reference);
#if HAS_ADDEND
      ASK_FOR_RESULTS(addend);
#endif
#endif
      ASK_FOR_RESULTS(x);
      multiply_tiles(place, v_weights, count, numbers, products);
    }
    for (int t = 0; t < count; ++t) {
      const TilePlace tile = tile_place(&tiling, first + t);
      for (int v = 0; v < RESULT_VECTORS; ++v) {
        FOR_EACH_RESULT(products + t * RESULT_VECTORS + v, v, tile,
                        { store_gradient(sums[i], addend + at, reference + at, x + at); });
      }
    }
  }
}

#endif
