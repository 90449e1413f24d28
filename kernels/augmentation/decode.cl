// Bytes [images, channels, height, width] to normalised channels-last images, with random crop,
// flip and cutout; the formulas are ImageDecoding's.
//
//   y[n, row, column, c] = levels[c, byte], 0 in the cutout square
//
// levels: real [channels, 256], ImageDecoding.levels rounded once, so that every backend decodes to
// the same bits. Randomness is block samples + n of a Philox stream: the same bits as
// RandomStream.block. samples: int [2], low word first.
//
// Geometry: one work-item a pixel, all its channels. Shape class: HAS_AUGMENTATION. WIDTH is 1.
// Tunable: LOCAL_SIZE. Deterministic. After common/real.cl, common/philox.cl.

#ifndef LOCAL_SIZE
#define LOCAL_SIZE 64
#endif
#ifndef HAS_AUGMENTATION
#define HAS_AUGMENTATION 0
#endif

kernel __attribute__((reqd_work_group_size(LOCAL_SIZE, 1, 1))) void decode_images(
    const global uchar *restrict bytes, const global uint *restrict samples,
    const global real *restrict levels, global real *restrict y, const int images,
    const int channels, const int height, const int width, const uint seed_low,
    const uint seed_high, const uint stream_low, const uint stream_high, const int crop_padding,
    const int flips, const int cutout) {
  const size_t item = get_global_id(0);
  if (item >= (size_t)images * height * width) return;
  const int column = item % width;
  const int row = item / width % height;
  const int image = item / width / height;
  int from_row = row;
  int from_column = column;
  int is_cut = 0;
#if HAS_AUGMENTATION
  const uint low = samples[0] + (uint)image;
  const uint high = samples[1] + (low < (uint)image ? 1u : 0u);
  const uint4 words = philox_block((uint2)(seed_low, seed_high), (uint2)(stream_low, stream_high),
                                   (uint2)(low, high));
  const uint range = 2 * (uint)crop_padding + 1;
  if (flips && (words.z & 1u)) from_column = width - 1 - column;
  from_row += (int)mul_hi(words.x, range) - crop_padding;
  from_column += (int)mul_hi(words.y, range) - crop_padding;
  if (cutout > 0) {
    const int top = (int)(((words.w >> 16) * (uint)height) >> 16) - cutout / 2;
    const int left = (int)(((words.w & 0xFFFFu) * (uint)width) >> 16) - cutout / 2;
    is_cut = row >= top && row < top + cutout && column >= left && column < left + cutout;
  }
#endif
  const int is_inside =
      from_row >= 0 && from_row < height && from_column >= 0 && from_column < width;
  for (int c = 0; c < channels; ++c) {
    const size_t from = (((size_t)image * channels + c) * height + from_row) * width + from_column;
    const uint byte = is_inside ? (uint)bytes[from] : 0u;
    const accum level = load_real(levels + 256 * c + byte);
    store_real(is_cut ? (accum)0 : level, y + item * channels + c);
  }
}
