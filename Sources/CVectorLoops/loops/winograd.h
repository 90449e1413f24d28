// Winograd's algorithm for 3x3 convolutions with stride 1 and padding 1: the common part of its
// passes. The plane is divided into tiles of 4x4 results. A transform maps the 6x6 pixels around a
// tile to one number for each of 36 places. At every place the convolution becomes a product of two
// matrices: 36 products instead of 144. The arithmetic is fp32 for every image type. Included once
// for each instruction set.
//
// Images are [block][row][column][16 channels], weights [result block][channel block][3][3] [16
// channels][16 results].
//
// Source: Lavin & Gray, "Fast algorithms for convolutional neural networks" (2016). The points are
// 0, -+sqrt(1/2), -+sqrt(2) and infinity. Compared with 0, -+1, -+2 and infinity, their fp32 errors
// have half the root mean square and a third of the maximum.

/// Rows and columns of a tile's results and of its pixels, and the places of a transformed tile.
#define SIDE VL_WINOGRAD_SIDE
#define REACH 6
#define PLACES VL_WINOGRAD_PLACES

/// Two of the points.
#define SQRT_HALF 0.707106781f
#define SQRT_TWO 1.41421356f

#define WITH_BLOCKS(channel_blocks, result_blocks, STATEMENT)                     \
  {                                                                               \
    const int32_t CHANNEL_BLOCKS = channel_blocks, RESULT_BLOCKS = result_blocks; \
    STATEMENT;                                                                    \
  }
#define IF_BLOCKS(n, channel_blocks, result_blocks, STATEMENT) \
  if ((channel_blocks) == n && (result_blocks) == n) WITH_BLOCKS(n, n, STATEMENT) else

/// Runs a statement with the numbers of channel blocks and result blocks. Numbers that are common
/// in networks are constants, which puts offsets into the instructions and frees registers. If a
/// vector is not one register, all numbers are variables, because the code would be several times
/// as long.
#if VL_VECTOR_IS_REGISTER
#define BY_BLOCKS(channel_blocks, result_blocks, STATEMENT) \
  IF_BLOCKS(1, channel_blocks, result_blocks, STATEMENT)    \
  IF_BLOCKS(2, channel_blocks, result_blocks, STATEMENT)    \
  IF_BLOCKS(4, channel_blocks, result_blocks, STATEMENT)    \
  IF_BLOCKS(8, channel_blocks, result_blocks, STATEMENT)    \
  WITH_BLOCKS(channel_blocks, result_blocks, STATEMENT)
#else
#define BY_BLOCKS WITH_BLOCKS
#endif

/// One of the algorithm's matrices T: out = T v.
typedef void vl_transform(vf *out, const vf *v);

/// Bt: six numbers to six.
INLINE void image_transform(vf *out, const vf *v) {
  const vf a = v[4] - 2 * v[2], b = SQRT_HALF * (v[3] - 2 * v[1]);
  const vf c = v[4] - 0.5f * v[2], d = SQRT_TWO * (v[3] - 0.5f * v[1]);
  out[0] = v[0] - 2.5f * v[2] + v[4];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = v[1] - 2.5f * v[3] + v[5];
}

/// T X Tt, for T from FROM numbers to TO and X with row i of column j at square[j * FROM + i]. The
/// numbers of the result, row by row, are `step` apart.
INLINE void transform_square(vl_transform *const T, const int FROM, const int TO, const vf *square,
                             float *out, int64_t step) {
  vf half[REACH][REACH], v[REACH];
  UNROLLED_FOR (j, FROM) {
    T(v, square + j * FROM);
    for (int i = 0; i < TO; i++) half[i][j] = v[i];
  }
  UNROLLED_FOR (i, TO) {
    T(v, half[i]);
    for (int j = 0; j < TO; j++) store(VL_FLOAT32, out, (i * TO + j) * step, v[j], LANES);
  }
}

/// square[j * SIZE + i] is column x + j of row y + i of a block of 16 channels; zeros outside the
/// image.
INLINE void load_square(const vl_winograd_shape *w, const vl_type TYPE, const int SIZE,
                        const void *block, int32_t y, int32_t x, vf *square) {
  const int64_t line = (int64_t)w->width * LANES, first = y * line + x * LANES;
  if (y >= 0 && x >= 0 && y + SIZE <= w->height && x + SIZE <= w->width) {
    UNROLLED_FOR (i, SIZE) {
      UNROLLED_FOR (j, SIZE)
        square[j * SIZE + i] = load(TYPE, block, first + i * line + j * LANES, LANES);
    }
    return;
  }
  UNROLLED_FOR (i, SIZE) {
    const int is_row = y + i >= 0 && y + i < w->height;
    UNROLLED_FOR (j, SIZE) {
      const int is_shown = is_row && x + j >= 0 && x + j < w->width;
      square[j * SIZE + i] =
          is_shown ? load(TYPE, block, first + i * line + j * LANES, LANES) : splat(0);
    }
  }
}

/// Bt x B around the results from row y, column x on. Its places are `step` numbers apart.
INLINE void transform_image(const vl_winograd_shape *w, const vl_type TYPE, const void *block,
                            int32_t y, int32_t x, float *out, int64_t step) {
  vf square[REACH * REACH];
  load_square(w, TYPE, REACH, block, y - 1, x - 1, square);
  transform_square(image_transform, REACH, REACH, square, out, step);
}

/// The tiles of some images, one image after the other.
typedef struct {
  const vl_winograd_shape *w;
  int32_t across, of_image;  // tiles in a row of tiles, in an image
  int64_t end;               // the last tile's index + 1
} vl_tiles;

/// A tile's image, and the row and column of its first result.
typedef struct {
  int64_t image;
  int32_t row, column;
} vl_tile;

INLINE vl_tiles tiles_of(const vl_winograd_shape *w, int64_t images) {
  const int32_t across = (w->width + SIDE - 1) / SIDE, down = (w->height + SIDE - 1) / SIDE;
  const vl_tiles tiles = {w, across, across * down, images * across * down};
  return tiles;
}

/// The number of tiles from `first` on, at most `limit`.
INLINE int32_t tiles_from(const vl_tiles *tiles, int64_t first, int32_t limit) {
  return tiles->end - first < limit ? (int32_t)(tiles->end - first) : limit;
}

INLINE vl_tile tile_at(const vl_tiles *tiles, int64_t index) {
  const int32_t rest = (int32_t)(index % tiles->of_image);
  const vl_tile tile = {index / tiles->of_image, rest / tiles->across * SIDE,
                        rest % tiles->across * SIDE};
  return tile;
}

/// A tensor of images. `pixel`, `block` and `image` are the steps from pixel to pixel, block to
/// block and image to image, in bytes.
typedef struct {
  const char *bytes;
  int32_t blocks;
  int64_t pixel, block, image;
} vl_images;

INLINE vl_images images_of(vl_type type, const vl_winograd_shape *w, const void *bytes,
                           int32_t blocks, int64_t step) {
  const int64_t size = type == VL_FLOAT32 ? 4 : 2;
  const vl_images images = {bytes, blocks, LANES * size,
                            (int64_t)w->height * w->width * LANES * size, step * size};
  return images;
}

/// A block of a tile's image.
INLINE const char *block_of(const vl_images *images, vl_tile tile, int32_t block) {
  return images->bytes + tile.image * images->image + block * images->block;
}

/// A thread's workspace: images [place][tile][channel], products or gradients [place][tile][result],
/// and for weight gradients sums [place][channel][result]. The steps between places exceed their
/// length, so that a tile's places do not fall into the same few sets of the first-level cache.
typedef struct {
  int32_t channels, results;
  int64_t image_step, result_step;
  float *image_tiles, *result_tiles, *sums;
} vl_winograd_space;

/// The workspace's layout without its memory.
INLINE vl_winograd_space winograd_space(int32_t channel_blocks, int32_t result_blocks,
                                        int32_t tiles) {
  vl_winograd_space s;
  s.channels = channel_blocks * LANES;
  s.results = result_blocks * LANES;
  s.image_step = (tiles * channel_blocks + 1) * LANES;
  s.result_step = (tiles * result_blocks + 1) * LANES;
  return s;
}

/// The number of pixels before a tile's, in order of rows and images, if the tiles of an image
/// shared its pixels evenly.
INLINE int64_t pixels_before(const vl_tiles *tiles, int64_t tile) {
  const int64_t pixels = (int64_t)tiles->w->height * tiles->w->width;
  return tile / tiles->of_image * pixels + tile % tiles->of_image * pixels / tiles->of_image;
}

/// The pixels of the next tiles.
typedef struct {
  int64_t first, last, of_image;
} vl_ahead;

INLINE vl_ahead pixels_ahead(const vl_tiles *tiles, int64_t next, int32_t limit) {
  const vl_ahead ahead = {pixels_before(tiles, next),
                          pixels_before(tiles, next + tiles_from(tiles, next, limit)),
                          (int64_t)tiles->w->height * tiles->w->width};
  return ahead;
}

/// Prefetches one of PLACES shares of the pixels ahead, `below` pixels further, in every block.
INLINE void prefetch_share(const vl_ahead *ahead, const vl_images *images, int place,
                           int64_t below) {
  const int64_t count = ahead->last - ahead->first;
  int64_t first = ahead->first + count * place / PLACES + below;
  const int64_t last = ahead->first + count * (place + 1) / PLACES + below;
  while (first < last) {
    const int64_t image = first / ahead->of_image, start = image * ahead->of_image;
    const int64_t end = last - start < ahead->of_image ? last - start : ahead->of_image;
    for (int32_t b = 0; b < images->blocks; b++) {
      const char *block = images->bytes + image * images->image + b * images->block;
      for (int64_t at = (first - start) * images->pixel; at < end * images->pixel; at += 64)
        __builtin_prefetch(block + at);
    }
    first = start + end;
  }
}
