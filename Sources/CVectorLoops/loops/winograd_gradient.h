// Weight gradients by Winograd's algorithm F(3x3, 4x4). The gradients of a tile's results act as a
// kernel on the image around them; the results are 3x3 weight gradients. Included once for each
// instruction set.
//
//   dw = At [ sum over tiles of (G dy Gt) . (Bt x B) ] A
//
// The fractions in front of G's rows are in A here, which is applied once. At each place the sum
// over tiles is the product of two matrices, channels by tiles and tiles by results.

/// G without the fractions: four numbers to six.
INLINE void result_transform(vf *out, const vf *v) {
  const vf a = v[0] + 0.5f * v[2], b = SQRT_HALF * (v[1] + 0.5f * v[3]);
  const vf c = v[0] + 2 * v[2], d = SQRT_TWO * (v[1] + 2 * v[3]);
  out[0] = v[0];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = v[3];
}

/// At with G's fractions: six numbers to three.
INLINE void kernel_transform(vf *out, const vf *v) {
  const vf a = (v[1] + v[2]) * (-2 / 3.f), b = (v[1] - v[2]) * (-2 / 3.f * SQRT_HALF);
  const vf c = (v[3] + v[4]) * (1 / 6.f), d = (v[3] - v[4]) * (1 / 6.f * SQRT_TWO);
  out[0] = v[0] + a + c;
  out[1] = b + d;
  out[2] = 0.5f * a + 2 * c + v[5];
}

/// G dy Gt of the results from row y, column x on.
INLINE void transform_results(const vl_winograd_shape *w, const vl_type TYPE, const void *block,
                              int32_t y, int32_t x, float *out, int64_t step) {
  vf square[SIDE * SIDE];
  load_square(w, TYPE, SIDE, block, y, x, square);
  transform_square(result_transform, SIDE, REACH, square, out, step);
}

/// The number of tiles multiplied at once. Sums are loaded and stored once for all of them.
#define TILES_AT_ONCE 32

int64_t VL(winograd_gradient_workspace)(int32_t channel_blocks, int32_t result_blocks) {
  const vl_winograd_space s = winograd_space(channel_blocks, result_blocks, TILES_AT_ONCE);
  return PLACES * (s.image_step + s.result_step + (int64_t)s.channels * s.results);
}

/// sums = or += images * gradients over `count` tiles at one place, for one or two vectors of
/// results from `first_result` on. Each loaded channel value is used for all of them.
INLINE void multiply_place(const vl_winograd_space *s, int place, int32_t first_result,
                           int32_t count, int accumulates, const int VECTORS) {
  const float *gradients = s->result_tiles + place * s->result_step + first_result;
  for (int32_t first = 0; first < s->channels; first += LANES / VECTORS) {
    const float *images = s->image_tiles + place * s->image_step + first;
    float *sums = s->sums + ((int64_t)place * s->channels + first) * s->results + first_result;
    vf part[LANES];
    UNROLLED_FOR (i, LANES) {
      const int64_t at = i / VECTORS * s->results + i % VECTORS * LANES;
      part[i] = accumulates ? load(VL_FLOAT32, sums, at, LANES) : splat(0);
    }
    for (int32_t t = 0; t < count; t++) {
      vf g[2];
      for (int k = 0; k < VECTORS; k++)
        g[k] = load(VL_FLOAT32, gradients, t * s->results + k * LANES, LANES);
      UNROLLED_FOR (i, LANES)
        part[i] += g[i % VECTORS] * splat(images[t * s->channels + i / VECTORS]);
    }
    UNROLLED_FOR (i, LANES)
      store(VL_FLOAT32, sums, i / VECTORS * s->results + i % VECTORS * LANES, part[i], LANES);
  }
}

/// Multiplies the tiles from `first` on and prefetches the tiles after them. Waiting for their
/// loads would take as long as the arithmetic.
INLINE void multiply_places(const vl_winograd_space *s, const vl_tiles *tiles, int64_t first,
                            int32_t count, const vl_images *x, const vl_images *dy) {
  const vl_ahead ahead = pixels_ahead(tiles, first + count, TILES_AT_ONCE);
  for (int place = 0; place < PLACES; place++) {
    prefetch_share(&ahead, x, place, tiles->w->width);
    prefetch_share(&ahead, dy, place, 0);
    int32_t result = 0;
    for (; result + 2 * LANES <= s->results; result += 2 * LANES)
      multiply_place(s, place, result, count, first > 0, 2);
    if (result < s->results) multiply_place(s, place, result, count, first > 0, 1);
  }
}

/// At m A of the sums.
INLINE void finish_gradient(const vl_winograd_space *s, float *dw, int64_t dw_step) {
  const int64_t step = (int64_t)s->channels * s->results;
  for (int32_t c = 0; c < s->channels; c++) {
    for (int32_t k = 0; k < s->results / LANES; k++) {
      const float *sums = s->sums + (int64_t)c * s->results + k * LANES;
      vf square[PLACES];
      UNROLLED_FOR (i, REACH) {
        UNROLLED_FOR (j, REACH)
          square[j * REACH + i] = load(VL_FLOAT32, sums, (i * REACH + j) * step, LANES);
      }
      float *out = dw + k * dw_step + (c / LANES * KERNEL * KERNEL * LANES + c % LANES) * LANES;
      transform_square(kernel_transform, REACH, KERNEL, square, out, LANES * LANES);
    }
  }
}

INLINE void winograd_gradient_as(const vl_type TYPE, const int32_t CHANNEL_BLOCKS,
                                 const int32_t RESULT_BLOCKS, const vl_tiles *tiles,
                                 const vl_images *x, const vl_images *dy, float *workspace,
                                 float *dw, int64_t dw_step) {
  vl_winograd_space s = winograd_space(CHANNEL_BLOCKS, RESULT_BLOCKS, TILES_AT_ONCE);
  s.image_tiles = workspace;
  s.result_tiles = s.image_tiles + PLACES * s.image_step;
  s.sums = s.result_tiles + PLACES * s.result_step;
  for (int64_t first = 0; first < tiles->end; first += TILES_AT_ONCE) {
    const int32_t count = tiles_from(tiles, first, TILES_AT_ONCE);
    for (int32_t t = 0; t < count; t++) {
      const vl_tile tile = tile_at(tiles, first + t);
      for (int32_t b = 0; b < CHANNEL_BLOCKS; b++)
        transform_image(tiles->w, TYPE, block_of(x, tile, b), tile.row, tile.column,
                        s.image_tiles + t * s.channels + b * LANES, s.image_step);
      for (int32_t b = 0; b < RESULT_BLOCKS; b++)
        transform_results(tiles->w, TYPE, block_of(dy, tile, b), tile.row, tile.column,
                          s.result_tiles + t * s.results + b * LANES, s.result_step);
    }
    multiply_places(&s, tiles, first, count, x, dy);
  }
  finish_gradient(&s, dw, dw_step);
}

void VL(winograd_gradient)(vl_type type, const vl_winograd_shape *w, int32_t channel_blocks,
                           int32_t result_blocks, int64_t images, const void *x, int64_t x_step,
                           const void *dy, int64_t dy_step, float *workspace, float *dw,
                           int64_t dw_step) {
  const vl_tiles tiles = tiles_of(w, images);
  const vl_images from = images_of(type, w, x, channel_blocks, x_step);
  const vl_images to = images_of(type, w, dy, result_blocks, dy_step);
  BY_TYPE(type, BY_BLOCKS(channel_blocks, result_blocks,
                          winograd_gradient_as(TYPE, CHANNEL_BLOCKS, RESULT_BLOCKS, &tiles, &from,
                                               &to, workspace, dw, dw_step)));
}
