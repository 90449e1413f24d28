// The weight gradient of a 3x3 convolution in bf16, for images and weights in blocks of 16 channels:
//
//   dw[k, c, r, s] = sum over n, y, x of dy[n, k, y, x] * image[n, c, y * stride + r, x * stride +
//   s]
//
// oneDNN 2.6 runs it at 60 % of the rate of the forward convolution; this code reaches that rate.
// The processor's instruction adds products of pairs of bf16, here of two neighboring columns. dy
// is interleaved so that a vector holds a pair for each of 16 result channels. The image is
// rearranged into planes: the pair of one channel is 32 adjacent bits that a load broadcasts.
// Included for processors with bf16 instructions only.
//
// Planes:  [channel][image][phase][row][column / stride]  columns of one remainder modulo the
//          stride, with the padding's zeros
// Pairs:   [result block][image][row][column / 2][16 result channels][2]
// dw:      [result block][channel block][r][s][16 channels][16 result channels]

/// Rows and columns of the weights.
#define KERNEL 3

#if VL_HAS_BF16_INSTRUCTION

#include "transpose.h"

/// The extents of the two rearranged tensors.
typedef struct {
  int64_t rows;     // of a plane, with padding
  int64_t columns;  // of a phase of a plane
  int64_t plane;    // elements of all phases of one channel
  int64_t pairs;    // in a row of dy
  int64_t block;    // elements of one block of dy
} vl_rearranged;

INLINE vl_rearranged rearranged(const vl_weight_gradient_shape *w) {
  vl_rearranged r;
  r.rows = w->height + 2 * w->padding_height;
  r.pairs = (w->out_width + 1) / 2;
  r.columns = 2 * r.pairs + (KERNEL - 1) / w->stride_width + 1;
  const int64_t needed = (w->width + 2 * w->padding_width + w->stride_width - 1) / w->stride_width;
  if (r.columns < needed) r.columns = needed;
  r.plane = w->stride_width * r.rows * r.columns;
  r.block = w->out_height * r.pairs * 2 * LANES;
  return r;
}

/// The elements of some images' planes, rounded up so that the following memory is aligned to 64
/// bytes.
INLINE int64_t planes_size(const vl_weight_gradient_shape *w, const vl_rearranged *r,
                           int32_t images) {
  return (images * w->channels * r->plane + 31) / 32 * 32;
}

typedef uint16_t vh8 __attribute__((ext_vector_type(8)));
/// Stores `count` columns of one channel that start at column `x` of the padded row.
INLINE void store_columns(const vl_weight_gradient_shape *w, const vl_rearranged *r, uint16_t *row,
                          int64_t x, const uint16_t *columns, int32_t count) {
  if (w->stride_width == 1) {
    if (count == LANES) {
      memcpy(row + x, columns, 2 * LANES);
    } else if (count == LANES / 2) {
      memcpy(row + x, columns, LANES);
    } else {
      for (int32_t i = 0; i < count; i++) row[x + i] = columns[i];
    }
    return;
  }
  const int64_t phase_stride = r->rows * r->columns;
  if (count == LANES) {
    vh v;
    memcpy(&v, columns, sizeof v);
    vh8 even = __builtin_shufflevector(v, v, 0, 2, 4, 6, 8, 10, 12, 14);
    vh8 odd = __builtin_shufflevector(v, v, 1, 3, 5, 7, 9, 11, 13, 15);
    memcpy(row + (x & 1) * phase_stride + x / 2, &even, sizeof even);
    memcpy(row + ((x + 1) & 1) * phase_stride + (x + 1) / 2, &odd, sizeof odd);
    return;
  }
  for (int32_t i = 0; i < count; i++) row[((x + i) & 1) * phase_stride + (x + i) / 2] = columns[i];
}

/// Rearranges one image's blocks into planes, `stride` elements from channel to channel.
static void make_planes(const vl_weight_gradient_shape *w, const vl_rearranged *r,
                        const uint16_t *image, int64_t stride, uint16_t *planes) {
  const int32_t pixels = w->height * w->width;
  for (int32_t block = 0; block < w->channels / LANES; block++) {
    const uint16_t *source = image + (int64_t)block * pixels * LANES;
    uint16_t *target = planes + block * LANES * stride;
    for (int32_t first = 0; first < pixels; first += LANES) {
      const int32_t count = pixels - first < LANES ? pixels - first : LANES;
      vh square[LANES];
      for (int32_t i = 0; i < LANES; i++) {
        if (i < count) {
          memcpy(&square[i], source + (int64_t)(first + i) * LANES, sizeof square[i]);
        } else {
          square[i] = (vh)(0);
        }
      }
      transpose(square);
      for (int32_t done = 0; done < count;) {
        const int32_t y = (first + done) / w->width, x = (first + done) % w->width;
        const int32_t run = w->width - x < count - done ? w->width - x : count - done;
        uint16_t *row = target + (y + w->padding_height) * r->columns;
        for (int32_t c = 0; c < LANES; c++)
          store_columns(w, r, row + c * stride, x + w->padding_width,
                        (const uint16_t *)&square[c] + done, run);
        done += run;
      }
    }
  }
}

/// Interleaves the columns of one block of one image's dy.
static void make_pairs(const vl_weight_gradient_shape *w, const vl_rearranged *r,
                       const uint16_t *dy, uint16_t *pairs) {
  for (int64_t row = 0; row < w->out_height; row++) {
    const uint16_t *source = dy + row * w->out_width * LANES;
    uint16_t *target = pairs + row * r->pairs * 2 * LANES;
    for (int32_t x = 0; x < w->out_width; x += 2) {
      vh a, b = (vh)(0);
      memcpy(&a, source + x * LANES, sizeof a);
      if (x + 1 < w->out_width) memcpy(&b, source + (x + 1) * LANES, sizeof b);
      store_pairs(target + x * LANES, a, b);
    }
  }
}

/// A part of the rearranged tensors: some rows of some images.
typedef struct {
  int32_t images;
  int32_t first_row, last_row;
  const uint16_t *planes;
  int64_t channel_stride;
  const uint16_t *pairs;
  int64_t block_stride;
} vl_part;

/// The result blocks and channels of which sums stay in registers.
#define RESULTS 2
#define CHANNELS 4

/// One row of the kernel. Its sums stay in registers during the loop over all columns of all images.
INLINE void gradient_tile(const vl_weight_gradient_shape *w, const vl_rearranged *r,
                          const vl_part *part, int32_t k, int32_t c, int32_t kernel_row, float *dw,
                          int64_t result_stride, int accumulates) {
  __m512 sums[RESULTS][CHANNELS][KERNEL];
  UNROLLED_FOR (k, RESULTS)
    UNROLLED_FOR (c, CHANNELS)
      UNROLLED_FOR (s, KERNEL)
        sums[k][c][s] =
            accumulates ? _mm512_loadu_ps(dw + k * result_stride + s * LANES * LANES + c * LANES)
                        : _mm512_setzero_ps();
  int64_t offset[KERNEL];
  for (int s = 0; s < KERNEL; s++)
    offset[s] = s % w->stride_width * r->rows * r->columns + s / w->stride_width;
  const uint16_t *planes = part->planes + c * part->channel_stride;
  const uint16_t *pairs = part->pairs + k * part->block_stride;
  for (int32_t n = 0; n < part->images; n++) {
    for (int32_t y = part->first_row; y < part->last_row; y++) {
      const uint16_t *x = planes + n * r->plane + (y * w->stride_height + kernel_row) * r->columns;
      const uint16_t *d = pairs + n * r->block + y * r->pairs * 2 * LANES;
      for (int64_t p = 0; p < r->pairs; p++, x += 2, d += 2 * LANES) {
        __m512bh g[RESULTS];
        UNROLLED_FOR (k, RESULTS) g[k] = (__m512bh)_mm512_loadu_si512(d + k * part->block_stride);
        UNROLLED_FOR (c, CHANNELS) {
          UNROLLED_FOR (s, KERNEL) {
            int32_t pair;
            memcpy(&pair, x + c * part->channel_stride + offset[s], sizeof pair);
            const __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
            UNROLLED_FOR (k, RESULTS) sums[k][c][s] = _mm512_dpbf16_ps(sums[k][c][s], g[k], both);
          }
        }
      }
    }
  }
  UNROLLED_FOR (k, RESULTS)
    UNROLLED_FOR (c, CHANNELS)
      UNROLLED_FOR (s, KERNEL)
        _mm512_storeu_ps(dw + k * result_stride + s * LANES * LANES + c * LANES, sums[k][c][s]);
}

/// The bytes of dy that are read repeatedly for the sums of different channels. They should stay in
/// the first-level cache.
#define RESIDENT_BYTES 16384

/// All channels and kernel rows for a part of the tensors.
INLINE void gradient_part(const vl_weight_gradient_shape *w, const vl_rearranged *r,
                          const vl_part *part, int32_t blocks, int accumulates, float *dw) {
  const int64_t result_stride = w->channels / LANES * KERNEL * KERNEL * LANES * LANES;
  for (int32_t k = 0; k < blocks; k += RESULTS) {
    for (int32_t c = 0; c < w->channels; c += CHANNELS) {
      for (int32_t row = 0; row < KERNEL; row++) {
        const int64_t offset = (c / LANES * KERNEL + row) * KERNEL * LANES * LANES;
        gradient_tile(w, r, part, k, c, row, dw + k * result_stride + offset + c % LANES * LANES,
                      result_stride, accumulates);
      }
    }
  }
}

void VL(weight_gradient)(const vl_weight_gradient_shape *w, int32_t images, int32_t blocks,
                         const uint16_t *image, const uint16_t *dy, int accumulates,
                         uint16_t *workspace, float *dw) {
  const vl_rearranged r = rearranged(w);
  const int64_t channel_stride = images * r.plane, block_stride = images * r.block;
  uint16_t *planes = workspace;
  uint16_t *pairs = planes + planes_size(w, &r, images);
  memset(planes, 0, (size_t)(w->channels * channel_stride) * 2);
  for (int64_t n = 0; n < images; n++) {
    make_planes(w, &r, image + n * w->channels * w->height * w->width, channel_stride,
                planes + n * r.plane);
    const int64_t size = (int64_t)w->out_height * w->out_width;
    for (int64_t k = 0; k < blocks; k++)
      make_pairs(w, &r, dy + (n * w->results + k * LANES) * size,
                 pairs + k * block_stride + n * r.block);
  }
  const int64_t row_bytes = RESULTS * r.pairs * 4 * LANES;
  const int64_t rows = RESIDENT_BYTES / row_bytes < 1 ? 1 : RESIDENT_BYTES / row_bytes;
  const int32_t together = rows < w->out_height ? 1 : (int32_t)(rows / w->out_height);
  // With more images at once, large weights are read and written less often.
  const int32_t step = w->channels * blocks > 4096 ? images : together;
  for (int32_t n = 0; n < images; n += step) {
    const int32_t count = images - n < step ? images - n : step;
    for (int32_t y = 0; y < w->out_height; y += rows) {
      const int32_t end = w->out_height - y < rows ? w->out_height : y + (int32_t)rows;
      const vl_part part = {
          count, y, end, planes + n * r.plane, channel_stride, pairs + n * r.block, block_stride};
      gradient_part(w, &r, &part, blocks, accumulates || n > 0 || y > 0, dw);
    }
  }
}

int64_t VL(weight_gradient_workspace)(const vl_weight_gradient_shape *w, int32_t images,
                                      int32_t blocks) {
  const vl_rearranged r = rearranged(w);
  return (planes_size(w, &r, images) + images * blocks * r.block) * 2;
}

#else

void VL(weight_gradient)(const vl_weight_gradient_shape *w, int32_t images, int32_t blocks,
                         const uint16_t *image, const uint16_t *dy, int accumulates,
                         uint16_t *workspace, float *dw) {
  (void)w, (void)images, (void)blocks, (void)image, (void)dy, (void)accumulates, (void)workspace;
  (void)dw;
}

/// A workspace of 0 means that this instruction set has no such loop.
int64_t VL(weight_gradient_workspace)(const vl_weight_gradient_shape *w, int32_t images,
                                      int32_t blocks) {
  (void)w, (void)images, (void)blocks;
  return 0;
}

#endif
