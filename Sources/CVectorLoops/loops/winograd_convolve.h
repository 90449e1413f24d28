// Convolutions by Winograd's algorithm F(4x4, 3x3), with bias, residual and activation. Included
// once for each instruction set.
//
//   y = At [ sum over channels of (G w Gt) . (Bt x B) ] A
//
// Transformed weights are [place][channel][result].

/// G: three numbers to six.
INLINE void weight_transform(vf *out, const vf *v) {
  const vf a = (v[0] + 0.5f * v[2]) * (-2 / 3.f), b = v[1] * (-2 / 3.f * SQRT_HALF);
  const vf c = (v[0] + 2 * v[2]) * (1 / 6.f), d = v[1] * (1 / 6.f * SQRT_TWO);
  out[0] = v[0];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = v[2];
}

/// At: six numbers to four.
INLINE void output_transform(vf *out, const vf *v) {
  const vf a = v[1] + v[2], b = SQRT_HALF * (v[1] - v[2]);
  const vf c = v[3] + v[4], d = SQRT_TWO * (v[3] - v[4]);
  out[0] = v[0] + a + c;
  out[1] = b + d;
  out[2] = 0.5f * a + 2 * c;
  out[3] = 0.5f * b + 2 * d + v[5];
}

/// The number of tiles at once. With up to 64 channels their transforms and the weights' stay in a
/// second-level cache of 1 MiB. With more channels, the weights are read once for all these tiles.
#define CONVOLVED_TILES VL_WINOGRAD_TILES

/// G w Gt of one block of weights.
INLINE void transform_weights(const vl_type TYPE, int transposes, const void *weights,
                              float *transformed, int64_t channel_step, int64_t place_step) {
  for (int c = 0; c < LANES; c++) {
    vf taps[KERNEL * KERNEL];
    for (int r = 0; r < KERNEL; r++) {
      for (int s = 0; s < KERNEL; s++) {
        if (transposes) {
          // The input gradient swaps channels and results and rotates the kernel.
          const int64_t turned = ((KERNEL - 1 - r) * KERNEL + KERNEL - 1 - s) * LANES * LANES;
          float lanes[LANES];
          for (int k = 0; k < LANES; k++)
            lanes[k] = load(TYPE, weights, turned + k * LANES + c, 1)[0];
          taps[s * KERNEL + r] = load(VL_FLOAT32, lanes, 0, LANES);
        } else {
          taps[s * KERNEL + r] = load(TYPE, weights, ((r * KERNEL + s) * LANES + c) * LANES, LANES);
        }
      }
    }
    transform_square(weight_transform, KERNEL, REACH, taps, transformed + c * channel_step,
                     place_step);
  }
}

void VL(winograd_weights)(vl_type type, int transposes, int32_t channel_blocks,
                          int32_t result_blocks, int32_t channel_block, const void *weights,
                          float *transformed) {
  const int64_t block = KERNEL * KERNEL * LANES * LANES, size = type == VL_FLOAT32 ? 4 : 2;
  const int64_t results = result_blocks * LANES, channels = channel_blocks * LANES;
  float *target = transformed + channel_block * LANES * results;
  for (int32_t k = 0; k < result_blocks; k++, target += LANES) {
    const int64_t index =
        transposes ? channel_block * result_blocks + k : k * channel_blocks + channel_block;
    const char *source = (const char *)weights + index * block * size;
    BY_TYPE(type, transform_weights(TYPE, transposes, source, target, results, channels * results));
  }
}

int64_t VL(winograd_workspace)(int32_t channel_blocks, int32_t result_blocks) {
  const vl_winograd_space s = winograd_space(channel_blocks, result_blocks, CONVOLVED_TILES);
  return PLACES * (s.image_step + s.result_step);
}

/// products = images * weights of 16 / VECTORS tiles from `first` on at one place, for one or two
/// vectors of results. Products of tiles past the last one are undefined and unused.
INLINE void convolve_place(const vl_winograd_space *s, int place, int32_t first, int32_t result,
                           const float *weights, const int VECTORS) {
  const float *images = s->image_tiles + place * s->image_step + first * s->channels;
  float *products = s->result_tiles + place * s->result_step + first * s->results + result;
  const float *matrix = weights + (int64_t)place * s->channels * s->results + result;
  vf part[LANES];
  UNROLLED_FOR (i, LANES) part[i] = splat(0);
  for (int32_t c = 0; c < s->channels; c++) {
    vf v[2];
    for (int k = 0; k < VECTORS; k++)
      v[k] = load(VL_FLOAT32, matrix, c * s->results + k * LANES, LANES);
    UNROLLED_FOR (i, LANES)
      part[i] += v[i % VECTORS] * splat(images[i / VECTORS * s->channels + c]);
  }
  UNROLLED_FOR (i, LANES)
    store(VL_FLOAT32, products, i / VECTORS * s->results + i % VECTORS * LANES, part[i], LANES);
}

/// A convolution's tensors; the residual is optional.
typedef struct {
  vl_images x, residual, out;
} vl_convolution_images;

/// Multiplies the tiles from `first` on and prefetches the tiles after them. Waiting for their
/// loads would take as long as the arithmetic.
INLINE void convolve_places(const vl_winograd_space *s, const vl_tiles *tiles, int64_t first,
                            int32_t count, const float *weights,
                            const vl_convolution_images *images) {
  const vl_ahead ahead = pixels_ahead(tiles, first + count, CONVOLVED_TILES);
  for (int place = 0; place < PLACES; place++) {
    prefetch_share(&ahead, &images->x, place, tiles->w->width);
    if (images->residual.bytes) prefetch_share(&ahead, &images->residual, place, 0);
    prefetch_share(&ahead, &images->out, place, 0);
    int32_t result = 0;
    for (; result + 2 * LANES <= s->results; result += 2 * LANES)
      for (int32_t t = 0; t < count; t += LANES / 2)
        convolve_place(s, place, t, result, weights, 2);
    if (result < s->results)
      for (int32_t t = 0; t < count; t += LANES) convolve_place(s, place, t, result, weights, 1);
  }
}

/// At m A of a tile's block of results, with bias, residual and activation.
INLINE void finish_tile(const vl_type TYPE, const vl_tiles *tiles, vl_tile tile,
                        const float *products, int64_t step, vf bias, const void *residual,
                        vl_activation f, void *out) {
  vf half[SIDE][REACH];
  UNROLLED_FOR (j, REACH) {
    vf m[REACH], v[SIDE];
    for (int i = 0; i < REACH; i++)
      m[i] = load(VL_FLOAT32, products, (i * REACH + j) * step, LANES);
    output_transform(v, m);
    for (int i = 0; i < SIDE; i++) half[i][j] = v[i];
  }
  UNROLLED_FOR (i, SIDE) {
    if (tile.row + i >= tiles->w->height) break;
    vf v[SIDE];
    output_transform(v, half[i]);
    const int64_t at = ((int64_t)(tile.row + i) * tiles->w->width + tile.column) * LANES;
    for (int j = 0; j < SIDE; j++) {
      if (tile.column + j >= tiles->w->width) break;
      vf sum = v[j] + bias;
      if (residual) sum += load(TYPE, residual, at + j * LANES, LANES);
      store(TYPE, out, at + j * LANES, activated(f, sum), LANES);
    }
  }
}

INLINE void finish_tiles(const vl_type TYPE, const vl_winograd_space *s, const vl_tiles *tiles,
                         int64_t first, int32_t count, const float *bias,
                         const vl_convolution_images *images, vl_activation f) {
  for (int32_t t = 0; t < count; t++) {
    const vl_tile tile = tile_at(tiles, first + t);
    for (int32_t b = 0; b < images->out.blocks; b++) {
      finish_tile(TYPE, tiles, tile, s->result_tiles + t * s->results + b * LANES, s->result_step,
                  bias ? load(VL_FLOAT32, bias, b * LANES, LANES) : splat(0),
                  images->residual.bytes ? block_of(&images->residual, tile, b) : 0, f,
                  (char *)block_of(&images->out, tile, b));
    }
  }
}

/// Not inlined, so that the code for all activations exists once, not for each number of channels.
static __attribute__((noinline)) void finish_tiles_by(vl_type type, const vl_winograd_space *s,
                                                      const vl_tiles *tiles, int64_t first,
                                                      int32_t count, const float *bias,
                                                      const vl_convolution_images *images,
                                                      vl_activation f) {
  BY_TYPE(type, finish_tiles(TYPE, s, tiles, first, count, bias, images, f));
}

INLINE void winograd_as(const vl_type TYPE, const int32_t CHANNEL_BLOCKS,
                        const int32_t RESULT_BLOCKS, const vl_tiles *tiles, int64_t first,
                        const float *weights, const float *bias,
                        const vl_convolution_images *images, vl_activation f, float *workspace) {
  vl_winograd_space s = winograd_space(CHANNEL_BLOCKS, RESULT_BLOCKS, CONVOLVED_TILES);
  s.image_tiles = workspace;
  s.result_tiles = workspace + PLACES * s.image_step;
  for (; first < tiles->end; first += CONVOLVED_TILES) {
    const int32_t count = tiles_from(tiles, first, CONVOLVED_TILES);
    for (int32_t t = 0; t < count; t++) {
      const vl_tile tile = tile_at(tiles, first + t);
      for (int32_t b = 0; b < CHANNEL_BLOCKS; b++)
        transform_image(tiles->w, TYPE, block_of(&images->x, tile, b), tile.row, tile.column,
                        s.image_tiles + t * s.channels + b * LANES, s.image_step);
    }
    convolve_places(&s, tiles, first, count, weights, images);
    if (f.kind == VL_RELU) {
      const vl_activation relu = {VL_RELU, 0};
      finish_tiles(TYPE, &s, tiles, first, count, bias, images, relu);
    } else if (f.kind == VL_LINEAR) {
      const vl_activation linear = {VL_LINEAR, 0};
      finish_tiles(TYPE, &s, tiles, first, count, bias, images, linear);
    } else {
      finish_tiles_by(TYPE, &s, tiles, first, count, bias, images, f);
    }
  }
}

void VL(winograd_convolve)(vl_type type, const vl_winograd_shape *w, int32_t channel_blocks,
                           int32_t result_blocks, int64_t first, int64_t count, const void *x,
                           const float *weights, const float *bias, const void *residual,
                           vl_activation f, float *workspace, void *out) {
  vl_tiles tiles = tiles_of(w, 1);
  tiles.end = first + count;
  const int64_t pixels = (int64_t)w->height * w->width * LANES;
  const int64_t x_step = channel_blocks * pixels, step = result_blocks * pixels;
  const vl_convolution_images tensors = {images_of(type, w, x, channel_blocks, x_step),
                                         images_of(type, w, residual, result_blocks, step),
                                         images_of(type, w, out, result_blocks, step)};
  BY_TYPE(type, BY_BLOCKS(channel_blocks, result_blocks,
                          winograd_as(TYPE, CHANNEL_BLOCKS, RESULT_BLOCKS, &tiles, first, weights,
                                      bias, &tensors, f, workspace)));
}
