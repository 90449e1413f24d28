// Winograd's algorithm for 3x3 convolutions of channels-last images with stride 1 and padding 1: what
// its kernels share. Images are divided into tiles of 4x4 results; of the 6x6 pixels around each a
// transform makes one number for each of 36 places. What was a convolution is for every place a product
// of two matrices: 36 products in place of 144.
//
//   y = At [ sum over channels of (G w Gt) . (Bt x B) ] A           F(4x4, 3x3)
//   dw = At [ sum over tiles of (G dy Gt) . (Bt x B) ] A            F(3x3, 4x4)
//
// In the second the fractions in front of G's rows are in A, which is applied once. The points are 0,
// -+sqrt(1/2), -+sqrt(2) and infinity: in fp32 their errors have half the root mean square of those of 0,
// -+1, -+2 and infinity, and a third of the maximum.
//
// A work-item takes TILES tiles at a time through local memory, which a CPU's core finds in its
// caches; groups are one item. Places are apart by a vector more than their length, so that a tile's do
// not lie in the same few sets of a cache. An infinity or NaN makes NaN of up to a tile.
//
// Tunables: TILES. Shape class: HAS_PROLOGUE (common/prologue.cl, then in front of this). Assumes that
// WIDTH divides all channels (Convolution.suitsWinograd guarantees it); kernels that use it refuse double
// (Lowering.usesWinograd), for the points are numbers in fp32. Source: Lavin & Gray, "Fast algorithms for
// convolutional neural networks" (2016). After common/real.cl.

#ifndef TILES
#define TILES 16
#endif

// Rows and columns of a tile's results, of the image around them, and of the kernel.
#define SIDE 4
#define REACH 6
#define KERNEL_SIDE 3
#define PLACES (REACH * REACH)

#define SQRT_HALF 0.707106781f
#define SQRT_TWO 1.41421356f

// Vectors from place to place of all tiles' numbers.
#define PLACE_STEP(channels) (TILES * (channels) / WIDTH + 1)

// Bt v: six numbers to six.
INLINE void transform_image_line(accums *out, const accums *v) {
  const accums a = v[4] - 2 * v[2];
  const accums b = SQRT_HALF * (v[3] - 2 * v[1]);
  const accums c = v[4] - 0.5f * v[2];
  const accums d = SQRT_TWO * (v[3] - 0.5f * v[1]);
  out[0] = v[0] - 2.5f * v[2] + v[4];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = v[1] - 2.5f * v[3] + v[5];
}

// G v: three numbers to six.
INLINE void transform_kernel_line(accums *out, const accums *v) {
  const accums a = (v[0] + 0.5f * v[2]) * (-2 / 3.0f);
  const accums b = v[1] * (-2 / 3.0f * SQRT_HALF);
  const accums c = (v[0] + 2 * v[2]) * (1 / 6.0f);
  const accums d = v[1] * (1 / 6.0f * SQRT_TWO);
  out[0] = v[0];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = v[2];
}

// G v without the fractions: four numbers to six.
INLINE void transform_gradient_line(accums *out, const accums *v) {
  const accums a = v[0] + 0.5f * v[2];
  const accums b = SQRT_HALF * (v[1] + 0.5f * v[3]);
  const accums c = v[0] + 2 * v[2];
  const accums d = SQRT_TWO * (v[1] + 2 * v[3]);
  out[0] = v[0];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = v[3];
}

// At v: six numbers to four.
INLINE void transform_result_line(accums *out, const accums *v) {
  const accums a = v[1] + v[2];
  const accums b = SQRT_HALF * (v[1] - v[2]);
  const accums c = v[3] + v[4];
  const accums d = SQRT_TWO * (v[3] - v[4]);
  out[0] = v[0] + a + c;
  out[1] = b + d;
  out[2] = 0.5f * a + 2 * c;
  out[3] = 0.5f * b + 2 * d + v[5];
}

// At v with G's fractions: six numbers to three.
INLINE void transform_sum_line(accums *out, const accums *v) {
  const accums a = (v[1] + v[2]) * (-2 / 3.0f);
  const accums b = (v[1] - v[2]) * (-2 / 3.0f * SQRT_HALF);
  const accums c = (v[3] + v[4]) * (1 / 6.0f);
  const accums d = (v[3] - v[4]) * (1 / 6.0f * SQRT_TWO);
  out[0] = v[0] + a + c;
  out[1] = b + d;
  out[2] = 0.5f * a + 2 * c + v[5];
}

// A square of SIZE by SIZE numbers, [column][row], to the places, `step` vectors apart.
#define DEFINE_TRANSFORM(NAME, SIZE, LINE, SPACE)                                              \
  INLINE void NAME(const accums *square, SPACE accums *places, const size_t step) {            \
    accums half_done[REACH][SIZE];                                                             \
    _Pragma("unroll") for (int j = 0; j < SIZE; ++j) {                                         \
      accums v[REACH];                                                                         \
      LINE(v, square + j * SIZE);                                                              \
      _Pragma("unroll") for (int i = 0; i < REACH; ++i) half_done[i][j] = v[i];                \
    }                                                                                          \
    _Pragma("unroll") for (int i = 0; i < REACH; ++i) {                                        \
      accums v[REACH];                                                                         \
      LINE(v, half_done[i]);                                                                   \
      _Pragma("unroll") for (int j = 0; j < REACH; ++j) places[(i * REACH + j) * step] = v[j]; \
    }                                                                                          \
  }

// The places to a square of SIZE by SIZE numbers, [row][column].
#define DEFINE_INVERSE(NAME, SIZE, LINE)                                                       \
  INLINE void NAME(const local accums *places, const size_t step, accums *square) {            \
    accums half_done[SIZE][REACH];                                                             \
    _Pragma("unroll") for (int j = 0; j < REACH; ++j) {                                        \
      accums m[REACH], v[SIZE];                                                                \
      _Pragma("unroll") for (int i = 0; i < REACH; ++i) m[i] = places[(i * REACH + j) * step]; \
      LINE(v, m);                                                                              \
      _Pragma("unroll") for (int i = 0; i < SIZE; ++i) half_done[i][j] = v[i];                 \
    }                                                                                          \
    _Pragma("unroll") for (int i = 0; i < SIZE; ++i) LINE(square + i * SIZE, half_done[i]);    \
  }

DEFINE_TRANSFORM(transform_image, REACH, transform_image_line, local)
DEFINE_TRANSFORM(transform_gradient, SIDE, transform_gradient_line, local)
DEFINE_TRANSFORM(transform_kernel, KERNEL_SIDE, transform_kernel_line, global)
DEFINE_INVERSE(inverse_result, SIDE, transform_result_line)
DEFINE_INVERSE(inverse_sum, KERNEL_SIDE, transform_sum_line)

// How images are divided: tiles of a row of them, of an image, and of all images.
typedef struct {
  int height;
  int width;
  int across;
  int of_image;
  int count;
} Tiling;

// A tile's image, and the row and column of its first result.
typedef struct {
  int image;
  int row;
  int column;
} TilePlace;

static inline Tiling tiling_of(const int images, const int height, const int width) {
  const int across = (width + SIDE - 1) / SIDE;
  const int of_image = across * ((height + SIDE - 1) / SIDE);
  const Tiling tiling = {height, width, across, of_image, images * of_image};
  return tiling;
}

// The first tile of an image row, one of those that are counted through all images.
static inline int tile_of_line(const Tiling *tiling, const int line) {
  return line / tiling->height * tiling->of_image + line % tiling->height / SIDE * tiling->across;
}

static inline TilePlace tile_place(const Tiling *tiling, const int tile) {
  const int rest = tile % tiling->of_image;
  const TilePlace place = {tile / tiling->of_image, rest / tiling->across * SIDE,
                           rest % tiling->across * SIDE};
  return place;
}

// A vector of channels of `size` by `size` pixels from (row, column) on, [column][row], of the image that
// begins at `image`; zeros outside it.
INLINE void load_square(const int size, accums *square, const global real *image,
                        const int channels, const Tiling *tiling, const int row, const int column) {
  const long line = (long)tiling->width * channels;
  const long first = row * line + (long)column * channels;
  if (row >= 0 && column >= 0 && row + size <= tiling->height && column + size <= tiling->width) {
#pragma unroll
    for (int i = 0; i < size; ++i) {
#pragma unroll
      for (int j = 0; j < size; ++j) {
        square[j * size + i] = load_reals(image + first + i * line + j * channels);
      }
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < size; ++i) {
    const int is_row = row + i >= 0 && row + i < tiling->height;
#pragma unroll
    for (int j = 0; j < size; ++j) {
      const int is_shown = is_row && column + j >= 0 && column + j < tiling->width;
      square[j * size + i] =
          is_shown ? load_reals(image + first + i * line + j * channels) : SPREAD(0);
    }
  }
}

#if HAS_PROLOGUE

// Normalizes channels c to c + WIDTH - 1 of an image's square, while what is outside stays zero.
INLINE void normalize_square(accums *square, const Prologue *prologue, const int c,
                             const Tiling *tiling, const int row, const int column) {
  const accums mean = load_accums(prologue->mean + c);
  const accums factor = load_accums(prologue->factor + c);
  const accums shift = load_accums(prologue->shift + c);
#pragma unroll
  for (int i = 0; i < REACH; ++i) {
#pragma unroll
    for (int j = 0; j < REACH; ++j) {
      if (row + i >= 0 && row + i < tiling->height && column + j >= 0 &&
          column + j < tiling->width) {
        accums *pixel = square + j * REACH + i;
        *pixel = rounded(activate(fma(*pixel - mean, factor, shift)));
      }
    }
  }
}

#endif

// Asks a CPU for a line of its cache before it is wanted, where the compiler has a word for that. OpenCL's
// own prefetch does nothing under PoCL, and has no form for half without cl_khr_fp16. SPIR is no CPU, and
// Oclgrind, which runs it, does not know the word.
#if defined(__has_builtin) && !defined(__NVPTX__) && !defined(__AMDGCN__) && !defined(__SPIR__)
#if __has_builtin(__builtin_prefetch)
#define ASK_FOR(line) __builtin_prefetch((const void *)(size_t)(line))
#endif
#endif
#ifndef ASK_FOR
#define ASK_FOR(line)
#endif
#define LINE_REALS (64 / sizeof(real))

// Pixels, in order of rows and images, before those of a tile, as if the tiles of an image shared its
// pixels evenly.
INLINE size_t pixels_before(const Tiling *tiling, const int tile) {
  const size_t pixels = (size_t)tiling->height * tiling->width;
  return tile / tiling->of_image * pixels + tile % tiling->of_image * pixels / tiling->of_image;
}

// Pixels of the tiles that come next.
typedef struct {
  size_t first;
  size_t count;
} Ahead;

INLINE Ahead pixels_ahead(const Tiling *tiling, const int next) {
  const size_t first = pixels_before(tiling, next);
  const size_t last = pixels_before(tiling, min(next + TILES, tiling->count));
  const Ahead ahead = {first, last - first};
  return ahead;
}

// Asks for `count` of the channels of one of PLACES shares of the pixels ahead: loads that wait for memory
// take as long as the arithmetic. `images` begins a row later where images are read around the tiles.
INLINE void ask_for_share(const int place, const Ahead *ahead, const global real *images,
                          const int channels, const int count) {
  const size_t first = ahead->first + ahead->count * place / PLACES;
  const size_t last = ahead->first + ahead->count * (place + 1) / PLACES;
  if (count == channels) {
    for (size_t i = first * channels; i < last * channels; i += LINE_REALS) ASK_FOR(images + i);
  } else {
    for (size_t pixel = first; pixel < last; ++pixel) {
      for (int c = 0; c < count; c += LINE_REALS) ASK_FOR(images + pixel * channels + c);
    }
  }
}
