// Bytes [images, channels, height, width] to normalized channels-last images, with random offset,
// flip and cutout, or as a fixed view; the formulas are ImageDecoding's.
//
//   y[n, row, column, c] = levels[c, byte], 0 in the cutout square
//
// levels: real [channels, 256], ImageDecoding.levels rounded once, so that every backend decodes to
// the same bits. Randomness is block samples + n of a Philox stream: the same bits as
// RandomStream.block. samples: int [2], low word first. origins: int [images, 2], the number of each
// image in its data set and the epoch; only read if flips is 2.
//
// flips: 0 none, 1 random, 2 alternating. reflects: whether the image is reflected at its border,
// which ImageDecoding.resultType allows for offsets below its extents; if not, it continues with
// zeros. view_down, view_right, mirrored: the view without augmentation, where all others are 0.
//
// Geometry: an item makes one pixel with all its channels (axis 0 pixels, axis 1 images). Shape class:
// HAS_AUGMENTATION. WIDTH is 1. Tunable: LOCAL_SIZE. Deterministic.
// uses: common/line.cl common/real.cl common/philox.cl

#ifndef HAS_AUGMENTATION
#define HAS_AUGMENTATION 0
#endif

// The row or column of the image that a position shows; -1 for zeros.
static inline int shown(const int position, const int extent, const int reflects) {
  if (position >= 0 && position < extent) return position;
  if (!reflects) return -1;
  return position < 0 ? -position : 2 * (extent - 1) - position;
}

LINE_KERNEL void decode_images(const global uchar *restrict bytes,
                               const global uint *restrict samples,
                               const global uint *restrict origins,
                               const global real *restrict levels, global real *restrict y,
                               const int channels, const int height, const int width,
                               const uint seed_low, const uint seed_high, const uint stream_low,
                               const uint stream_high, const int crop_padding, const int reflects,
                               const int flips, const int cutout, const int view_down,
                               const int view_right, const int mirrored) {
  const int image = get_global_id(1);
  const int pixel = get_global_id(0);
  if (pixel >= height * width) return;
  // The result's pixel (row, column) reads (row + down, column + right), from the right if flip is 1.
  int down = view_down;
  int right = view_right;
  int flip = mirrored;
  int top = 0;
  int left = 0;
  int side = 0;
#if HAS_AUGMENTATION
  const uint low = samples[0] + (uint)image;
  const uint high = samples[1] + (low < (uint)image ? 1u : 0u);
  const uint4 words =
      philox_block(VECTOR(uint2)(seed_low, seed_high), VECTOR(uint2)(stream_low, stream_high),
                   VECTOR(uint2)(low, high));
  const uint range = 2 * (uint)crop_padding + 1;
  down = (int)mul_hi(words.x, range) - crop_padding;
  right = (int)mul_hi(words.y, range) - crop_padding;
  flip = flips == 1 && (words.z & 1u);
  if (flips == 2) {
    const uint4 mirror =
        philox_block(VECTOR(uint2)(seed_low, seed_high), VECTOR(uint2)(stream_low + 1, stream_high),
                     VECTOR(uint2)(origins[2 * image], 0));
    flip = (mirror.x ^ origins[2 * image + 1]) & 1u;
  }
  top = (int)(((words.w >> 16) * (uint)height) >> 16) - cutout / 2;
  left = (int)(((words.w & 0xFFFFu) * (uint)width) >> 16) - cutout / 2;
  side = cutout;
#endif
  const size_t plane = (size_t)height * width;
  const global uchar *const first_byte = bytes + (size_t)image * channels * plane;
  global real *const first_result = y + (size_t)image * channels * plane;
  const int row = pixel / width;
  const int column = pixel % width;
  const int from_row = shown(row + down, height, reflects);
  const int from_column = shown((flip ? width - 1 - column : column) + right, width, reflects);
  const int is_inside = from_row >= 0 && from_column >= 0;
  const int is_cut = row >= top && row < top + side && column >= left && column < left + side;
  const global uchar *const from = first_byte + (is_inside ? from_row * width + from_column : 0);
  global real *const to = first_result + (size_t)pixel * channels;
  for (int c = 0; c < channels; ++c) {
    const uint byte = is_inside ? (uint)from[c * plane] : 0u;
    const accum level = load_real(levels + 256 * c + byte);
    store_real(is_cut ? (accum)0 : level, to + c);
  }
}
