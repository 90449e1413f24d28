// The weight gradient of a 3x3 convolution in bf16 on tiles (AMX), for channels-last images:
//
//   dw[k, c, r, s] = sum over n, y, x of dy[n, y, x, k] * image[n, y * stride + r - 1, x * stride + s - 1, c]
//
// A tile instruction adds products of 16 channels, 32 positions and 16 result channels. The images are
// rearranged into planes, in which the positions of a channel follow each other. dy is rearranged into
// pairs of positions. Both have one more row and column, which hold zeros: a row of the kernel is then a
// shift of the planes, and a tile can take positions of several rows and images.
//
// Planes:  [row phase][column phase][channel][position]  the pixels of one remainder modulo the stride
// Pairs:   [result block][position / 2][16 result channels][2]
// dw:      [result block][channel block][r][s][16 channels][16 result channels]
//
// No function is dispatched: the caller knows that the processor has tiles, and that the system lets the
// process use them.

#include "loops/vector.h"

#if defined(__x86_64__)

enum {
  KERNEL = 3,
  /// Positions that a tile takes.
  DEPTH = 32,
  /// Positions whose tiles stay in the first-level cache while all shifts read them.
  RESIDENT = 8 * DEPTH,
};

#pragma clang attribute push(                                                              \
        __attribute__((target("avx512f,avx512vl,avx512bw,avx512bf16,amx-tile,amx-bf16"))), \
            apply_to = function)
#include "loops/transpose.h"

/// The extents of the two rearranged tensors, in elements.
typedef struct {
  int64_t pitch;      // positions from row to row
  int64_t image;      // positions from image to image
  int64_t positions;  // of all images, rounded up to whole tiles
  int64_t lead;       // zeros before the first position of a plane
  int64_t plane;      // from channel to channel
  int64_t block;      // from result block to result block
} vl_positions;

INLINE vl_positions positions(const vl_weight_gradient_shape *w, int64_t images) {
  vl_positions p;
  p.pitch = w->out_width + 1;
  p.image = (w->out_height + 1) * p.pitch;
  p.positions = (images * p.image + DEPTH - 1) / DEPTH * DEPTH;
  p.lead = p.pitch + 1;
  // An odd number of cache lines, so that the rows of a tile lie in different sets of the cache.
  p.plane = (((p.positions + 2 * p.lead + DEPTH - 1) / DEPTH) | 1) * DEPTH;
  p.block = p.positions * LANES;
  return p;
}

INLINE int64_t planes_size(const vl_weight_gradient_shape *w, const vl_positions *p) {
  return w->stride_height * w->stride_width * w->channels * p->plane;
}

INLINE vh load_lanes(const uint16_t *source) {
  vh v;
  memcpy(&v, source, sizeof v);
  return v;
}

/// Rearranges the pixels of one image that belong to a phase.
static void make_plane(const vl_weight_gradient_shape *w, const vl_positions *p,
                       const uint16_t *image, int32_t row_phase, int32_t column_phase,
                       uint16_t *planes) {
  const int64_t step = (int64_t)w->stride_width * w->channels;
  const int32_t columns = (w->width - column_phase + w->stride_width - 1) / w->stride_width;
  for (int32_t y = row_phase; y < w->height; y += w->stride_height) {
    for (int32_t first = 0; first < columns; first += LANES) {
      const int32_t count = columns - first < LANES ? columns - first : LANES;
      const __mmask16 mask = (__mmask16)((1u << count) - 1);
      const uint16_t *source =
          image + ((int64_t)y * w->width + column_phase) * w->channels + first * step;
      uint16_t *target = planes + y / w->stride_height * p->pitch + first;
      for (int32_t c = 0; c < w->channels; c += LANES) {
        vh square[LANES];
        UNROLLED_FOR (i, LANES) square[i] = i < count ? load_lanes(source + i * step + c) : (vh)(0);
        transpose(square);
        UNROLLED_FOR (i, LANES)
          _mm256_mask_storeu_epi16(target + (c + i) * p->plane, mask, (__m256i)square[i]);
      }
    }
  }
}

/// Interleaves the positions of one block of results.
static void make_pairs(const vl_weight_gradient_shape *w, const vl_positions *p, int64_t images,
                       const uint16_t *dy, uint16_t *pairs) {
  vh first = (vh)(0);
  int64_t position = 0;
  for (int64_t n = 0; n < images; n++) {
    for (int64_t y = 0; y <= w->out_height; y++) {
      for (int64_t x = 0; x <= w->out_width; x++, position++) {
        vh v = (vh)(0);
        if (y < w->out_height && x < w->out_width)
          v = load_lanes(dy + ((n * w->out_height + y) * w->out_width + x) * w->results);
        if (position % 2)
          store_pairs(pairs + (position - 1) * LANES, first, v);
        else
          first = v;
      }
    }
  }
  if (position % 2) store_pairs(pairs + (position++ - 1) * LANES, first, (vh)(0));
  memset(pairs + position * LANES, 0, (size_t)(p->positions - position) * LANES * 2);
}

/// Adds the products of one or two blocks of results and of channels, of which the sums stay in tiles.
INLINE void add_products(int results, int channels, const uint16_t *planes, int64_t plane,
                         const uint16_t *pairs, int64_t block, int64_t count, float *dw,
                         int64_t result_step, int64_t channel_step) {
  const int row = LANES * sizeof(float);
  float *const dw1 = dw + result_step;
  _tile_loadd(0, dw, row);
  if (channels == 2) _tile_loadd(1, dw + channel_step, row);
  if (results == 2) _tile_loadd(2, dw1, row);
  if (results == 2 && channels == 2) _tile_loadd(3, dw1 + channel_step, row);
  for (int64_t i = 0; i < count; i += DEPTH) {
    _tile_loadd(4, planes + i, plane * 2);
    _tile_loadd(6, pairs + i * LANES, row);
    _tile_dpbf16ps(0, 4, 6);
    if (channels == 2) {
      _tile_loadd(5, planes + LANES * plane + i, plane * 2);
      _tile_dpbf16ps(1, 5, 6);
    }
    if (results == 2) {
      _tile_loadd(7, pairs + block + i * LANES, row);
      _tile_dpbf16ps(2, 4, 7);
      if (channels == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, dw, row);
  if (channels == 2) _tile_stored(1, dw + channel_step, row);
  if (results == 2) _tile_stored(2, dw1, row);
  if (results == 2 && channels == 2) _tile_stored(3, dw1 + channel_step, row);
}

/// The phase and the shift of a row or column of the kernel, in pixels of the phase.
INLINE void phase_of(int32_t index, int32_t stride, int32_t *phase, int32_t *shift) {
  const int32_t offset = index - 1;
  *phase = stride == 1 ? 0 : offset & 1;
  *shift = stride == 1 ? offset : (offset - *phase) / 2;
}

/// All positions for one or two blocks of results and of channels.
INLINE void add_blocks(int results, int channels, const vl_weight_gradient_shape *w,
                       const vl_positions *p, const uint16_t *planes, const uint16_t *pairs,
                       float *dw, int64_t result_step, int64_t channel_step) {
  for (int64_t first = 0; first < p->positions; first += RESIDENT) {
    const int64_t count = p->positions - first < RESIDENT ? p->positions - first : RESIDENT;
    for (int32_t r = 0; r < KERNEL; r++) {
      for (int32_t s = 0; s < KERNEL; s++) {
        int32_t row_phase, column_phase, down, right;
        phase_of(r, w->stride_height, &row_phase, &down);
        phase_of(s, w->stride_width, &column_phase, &right);
        const int64_t phase = row_phase * w->stride_width + column_phase;
        add_products(results, channels,
                     planes + phase * w->channels * p->plane + first + down * p->pitch + right,
                     p->plane, pairs + first * LANES, p->block, count,
                     dw + (r * KERNEL + s) * LANES * LANES, result_step, channel_step);
      }
    }
  }
}

void vl_reverse_weights(int32_t result_blocks, int32_t channel_blocks, int32_t channel_block,
                        const uint16_t *weights, uint16_t *out) {
  const int64_t taps = KERNEL * KERNEL, square = LANES * LANES;
  for (int64_t k = 0; k < result_blocks; k++) {
    for (int64_t tap = 0; tap < taps; tap++) {
      const uint16_t *source =
          weights + ((k * channel_blocks + channel_block) * taps + taps - 1 - tap) * square;
      uint16_t *target = out + ((channel_block * (int64_t)result_blocks + k) * taps + tap) * square;
      vh rows[LANES];
      UNROLLED_FOR (i, LANES) rows[i] = load_lanes(source + i * LANES);
      transpose(rows);
      UNROLLED_FOR (i, LANES) memcpy(target + i * LANES, &rows[i], sizeof rows[i]);
    }
  }
}

typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} vl_tile_configuration;

void vl_tile_gradient(const vl_weight_gradient_shape *w, int32_t images, int32_t blocks,
                      const uint16_t *image, const uint16_t *dy, int accumulates,
                      uint16_t *workspace, float *dw) {
  const vl_positions p = positions(w, images);
  uint16_t *const planes = workspace;
  uint16_t *const pairs = planes + planes_size(w, &p);
  memset(planes, 0, (size_t)planes_size(w, &p) * 2);
  for (int64_t n = 0; n < images; n++) {
    const uint16_t *source = image + n * w->height * w->width * w->channels;
    for (int32_t phase = 0; phase < w->stride_height * w->stride_width; phase++)
      make_plane(w, &p, source, phase / w->stride_width, phase % w->stride_width,
                 planes + phase * w->channels * p.plane + p.lead + n * p.image);
  }
  for (int64_t k = 0; k < blocks; k++)
    make_pairs(w, &p, images, dy + k * LANES, pairs + k * p.block);

  const int64_t channel_step = KERNEL * KERNEL * LANES * LANES;
  const int64_t result_step = w->channels / LANES * channel_step;
  if (!accumulates) memset(dw, 0, (size_t)(blocks * result_step) * sizeof(float));
  // oneDNN's tiles may be configured already, and stay so.
  vl_tile_configuration previous, whole = {.palette = 1};
  UNROLLED_FOR (i, 8) {
    whole.row_bytes[i] = 64;
    whole.rows[i] = 16;
  }
  _tile_storeconfig(&previous);
  _tile_loadconfig(&whole);
  for (int64_t k = 0; k < blocks; k += 2) {
    for (int64_t c = 0; c < w->channels; c += 2 * LANES) {
      const uint16_t *a = planes + c * p.plane + p.lead, *b = pairs + k * p.block;
      float *sums = dw + k * result_step + c / LANES * channel_step;
      const int two_results = k + 1 < blocks, two_channels = c + LANES < w->channels;
      if (two_results && two_channels)
        add_blocks(2, 2, w, &p, a, b, sums, result_step, channel_step);
      else if (two_results)
        add_blocks(2, 1, w, &p, a, b, sums, result_step, channel_step);
      else if (two_channels)
        add_blocks(1, 2, w, &p, a, b, sums, result_step, channel_step);
      else
        add_blocks(1, 1, w, &p, a, b, sums, result_step, channel_step);
    }
  }
  if (previous.palette)
    _tile_loadconfig(&previous);
  else
    _tile_release();
}

int64_t vl_tile_gradient_workspace(const vl_weight_gradient_shape *w, int32_t images,
                                   int32_t blocks) {
  const vl_positions p = positions(w, images);
  return (planes_size(w, &p) + blocks * p.block) * 2;
}

#pragma clang attribute pop

#else

void vl_tile_gradient(const vl_weight_gradient_shape *w, int32_t images, int32_t blocks,
                      const uint16_t *image, const uint16_t *dy, int accumulates,
                      uint16_t *workspace, float *dw) {
  (void)w, (void)images, (void)blocks, (void)image, (void)dy, (void)accumulates, (void)workspace;
  (void)dw;
}

void vl_reverse_weights(int32_t result_blocks, int32_t channel_blocks, int32_t channel_block,
                        const uint16_t *weights, uint16_t *out) {
  (void)result_blocks, (void)channel_blocks, (void)channel_block, (void)weights, (void)out;
}

/// A workspace of 0 means that no processor of this kind has tiles.
int64_t vl_tile_gradient_workspace(const vl_weight_gradient_shape *w, int32_t images,
                                   int32_t blocks) {
  (void)w, (void)images, (void)blocks;
  return 0;
}

#endif
