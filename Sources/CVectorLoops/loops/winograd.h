// Winograd's algorithm F(2x2, 3x3) in fp32 for 16 channels to 16 channels, stride 1, padding 1: the
// first stage of CIFAR's residual networks, where oneDNN reaches half the processor's rate. A tile
// of 2x2 results takes 16 products of 16x16 matrices instead of 36. The weight gradients of more
// channels consist of such blocks. Included once for each instruction set.
//
//   forward:          y  = At [ (G w Gt) . (Bt x B) ] A
//   weight gradient:  dw = Gt [ sum over tiles of (A dy At) . (Bt x B) ] G
//
// Images are [row][column][16 channels], weights [3][3][16 channels][16 results]. Transformed
// weights and sums are [position][16 channels][16 results] with 16 positions. Forward, tiles are
// worked on eight at a time, so that everything transformed stays in the first-level cache; for
// weight gradients up to 20, of which a position's part lies there while its sums are in registers.
//
// Source: Lavin & Gray, "Fast algorithms for convolutional neural networks" (2016).

#define TILES 8
#define POSITIONS 16

/// Bt v: four numbers to four.
#define INPUT_TRANSFORM(out, a, b, c, d) \
  do {                                   \
    (out)[0] = (a) - (c);                \
    (out)[1] = (b) + (c);                \
    (out)[2] = (c) - (b);                \
    (out)[3] = (b) - (d);                \
  } while (0)

/// Transforms some tiles of a row of tiles: x around rows 2 * row - 1 ..., columns
/// 2 * first - 1 ...; `tiles` [position][capacity][16].
INLINE void transform_images(const vl_winograd_shape *w, const float *x, int32_t row, int32_t first,
                             int32_t count, const int capacity, float *tiles) {
  const float *rows[4];
  int inside[4];
  for (int i = 0; i < 4; i++) {
    const int32_t y = 2 * row - 1 + i;
    inside[i] = y >= 0 && y < w->height;
    rows[i] = x + (inside[i] ? (int64_t)y * w->width * LANES : 0);
  }
  vf columns[4][4];
#define COLUMN(target, at)                                                                     \
  do {                                                                                         \
    const int32_t column_ = (at);                                                              \
    const int shown_ = column_ >= 0 && column_ < w->width;                                     \
    vf v_[4];                                                                                  \
    for (int i = 0; i < 4; i++)                                                                \
      v_[i] = shown_ && inside[i] ? load(VL_FLOAT32, rows[i], (int64_t)column_ * LANES, LANES) \
                                  : splat(0);                                                  \
    INPUT_TRANSFORM(target, v_[0], v_[1], v_[2], v_[3]);                                       \
  } while (0)
  COLUMN(columns[0], 2 * first - 1);
  COLUMN(columns[1], 2 * first);
  for (int32_t t = 0; t < count; t++) {
    const int32_t column = 2 * (first + t);
    COLUMN(columns[2], column + 1);
    COLUMN(columns[3], column + 2);
    for (int i = 0; i < 4; i++) {
      vf v[4];
      INPUT_TRANSFORM(v, columns[0][i], columns[1][i], columns[2][i], columns[3][i]);
      for (int j = 0; j < 4; j++)
        store(VL_FLOAT32, tiles, ((i * 4 + j) * capacity + t) * LANES, v[j], LANES);
    }
    for (int i = 0; i < 4; i++) {
      columns[0][i] = columns[2][i];
      columns[1][i] = columns[3][i];
    }
  }
}

/// products[t] = tiles[t] * matrix for one position.
INLINE void multiply_tiles(const float *tiles, const float *matrix, float *products) {
  vf sums[TILES];
  for (int t = 0; t < TILES; t++) sums[t] = splat(0);
#pragma clang loop unroll(full)
  for (int c = 0; c < LANES; c++) {
    const vf weights = load(VL_FLOAT32, matrix, c * LANES, LANES);
#pragma clang loop unroll(full)
    for (int t = 0; t < TILES; t++) sums[t] += weights * splat(tiles[t * LANES + c]);
  }
  for (int t = 0; t < TILES; t++) store(VL_FLOAT32, products, t * LANES, sums[t], LANES);
}

/// At m A of one tile, with what follows a convolution.
INLINE void finish_tile(const vl_winograd_shape *w, const float *products, int32_t t, int32_t y,
                        int32_t x, vf bias, const float *residual, vl_activation f, float *out) {
  vf half[2][4];
  for (int j = 0; j < 4; j++) {
    vf m[4];
    for (int i = 0; i < 4; i++)
      m[i] = load(VL_FLOAT32, products, ((i * 4 + j) * TILES + t) * LANES, LANES);
    half[0][j] = m[0] + m[1] + m[2];
    half[1][j] = m[1] - m[2] - m[3];
  }
  for (int i = 0; i < 2 && y + i < w->height; i++) {
    const vf left = half[i][0] + half[i][1] + half[i][2] + bias;
    const vf right = half[i][1] - half[i][2] - half[i][3] + bias;
    const int64_t at = ((int64_t)(y + i) * w->width + x) * LANES;
    const vf first = residual ? left + load(VL_FLOAT32, residual, at, LANES) : left;
    store(VL_FLOAT32, out, at, activated(f, first), LANES);
    if (x + 1 >= w->width) continue;
    const vf second = residual ? right + load(VL_FLOAT32, residual, at + LANES, LANES) : right;
    store(VL_FLOAT32, out, at + LANES, activated(f, second), LANES);
  }
}

INLINE void winograd_as(const vl_winograd_shape *w, const float *x, const float *weights,
                        const float *bias, const float *residual, vl_activation f, float *out) {
  float tiles[POSITIONS * TILES * LANES] __attribute__((aligned(64)));
  float products[POSITIONS * TILES * LANES] __attribute__((aligned(64)));
  memset(tiles, 0, sizeof tiles);
  const vf base = bias ? load(VL_FLOAT32, bias, 0, LANES) : splat(0);
  for (int32_t row = 0; 2 * row < w->height; row++) {
    for (int32_t first = 0; 2 * first < w->width; first += TILES) {
      const int32_t rest = (w->width + 1) / 2 - first;
      const int32_t count = rest < TILES ? rest : TILES;
      transform_images(w, x, row, first, count, TILES, tiles);
      for (int p = 0; p < POSITIONS; p++)
        multiply_tiles(tiles + p * TILES * LANES, weights + p * LANES * LANES,
                       products + p * TILES * LANES);
      for (int32_t t = 0; t < count; t++)
        finish_tile(w, products, t, 2 * row, 2 * (first + t), base, residual, f, out);
    }
  }
}

void VL(winograd_convolve)(const vl_winograd_shape *w, const float *x, const float *weights,
                           const float *bias, const float *residual, vl_activation f, float *out) {
  if (residual) {
    BY_ACTIVATION(f, winograd_as(w, x, weights, bias, residual, PHI, out));
  } else {
    BY_ACTIVATION(f, winograd_as(w, x, weights, bias, 0, PHI, out));
  }
}

/// G v: three numbers to four.
#define WEIGHT_TRANSFORM(out, a, b, c)   \
  do {                                   \
    (out)[0] = (a);                      \
    (out)[1] = ((a) + (b) + (c)) * 0.5f; \
    (out)[2] = ((a) - (b) + (c)) * 0.5f; \
    (out)[3] = (c);                      \
  } while (0)

void VL(winograd_weights)(int transposes, const float *weights, float *transformed) {
  for (int c = 0; c < LANES; c++) {
    vf taps[3][3];
    for (int r = 0; r < 3; r++) {
      for (int s = 0; s < 3; s++) {
        if (transposes) {
          // The input gradient's weights: channels and results change places, the kernel turns.
          const float *turned = weights + ((2 - r) * 3 + 2 - s) * LANES * LANES;
          float lanes[LANES];
          for (int k = 0; k < LANES; k++) lanes[k] = turned[k * LANES + c];
          taps[r][s] = load(VL_FLOAT32, lanes, 0, LANES);
        } else {
          taps[r][s] = load(VL_FLOAT32, weights, ((r * 3 + s) * LANES + c) * LANES, LANES);
        }
      }
    }
    vf rows[4][3];
    for (int s = 0; s < 3; s++) {
      vf column[4];
      WEIGHT_TRANSFORM(column, taps[0][s], taps[1][s], taps[2][s]);
      for (int i = 0; i < 4; i++) rows[i][s] = column[i];
    }
    for (int i = 0; i < 4; i++) {
      vf row[4];
      WEIGHT_TRANSFORM(row, rows[i][0], rows[i][1], rows[i][2]);
      for (int j = 0; j < 4; j++)
        store(VL_FLOAT32, transformed, ((i * 4 + j) * LANES + c) * LANES, row[j], LANES);
    }
  }
}

/// A dy At for some tiles of a row; `tiles` [position][capacity][16].
INLINE void transform_gradients(const vl_winograd_shape *w, const float *dy, int32_t row,
                                int32_t first, int32_t count, const int capacity, float *tiles) {
  for (int32_t t = 0; t < count; t++) {
    vf g[2][2];
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        const int32_t y = 2 * row + i, x = 2 * (first + t) + j;
        g[i][j] = y < w->height && x < w->width
                      ? load(VL_FLOAT32, dy, ((int64_t)y * w->width + x) * LANES, LANES)
                      : splat(0);
      }
    }
    for (int i = 0; i < 4; i++) {
      vf v[2];
      for (int j = 0; j < 2; j++)
        v[j] = i == 0 ? g[0][j]
                      : (i == 1 ? g[0][j] + g[1][j] : (i == 2 ? g[0][j] - g[1][j] : -g[1][j]));
      float *at = tiles + (i * 4 * capacity + t) * LANES;
      store(VL_FLOAT32, at, 0, v[0], LANES);
      store(VL_FLOAT32, at, capacity * LANES, v[0] + v[1], LANES);
      store(VL_FLOAT32, at, 2 * capacity * LANES, v[0] - v[1], LANES);
      store(VL_FLOAT32, at, 3 * capacity * LANES, -v[1], LANES);
    }
  }
}

/// At most so many tiles are multiplied at once: sums are loaded and stored once for all of them. Rows
/// of tiles are not divided but where they are longer. Not a multiple of eight, so that the positions
/// of a tile do not lie in the same few sets of the first-level cache.
#define SUM_TILES 20

/// sums += images[t] * gradients[t] over the tiles, for every position and one or two blocks of 16
/// results, `next` numbers apart. A channel's number serves both while it is in a register.
INLINE void add_products(const float *images, const float *gradients, int32_t count, int blocks,
                         float *sums, int64_t next) {
  for (int p = 0; p < POSITIONS; p++) {
    const float *image = images + p * SUM_TILES * LANES;
    for (int first = 0; first < LANES; first += LANES / blocks) {
      float *target = sums + (p * LANES + first) * LANES;
      vf part[LANES];
#pragma clang loop unroll(full)
      for (int i = 0; i < LANES; i++)
        part[i] = load(VL_FLOAT32, target, (i % blocks) * next + i / blocks * LANES, LANES);
      for (int32_t t = 0; t < count; t++) {
        vf g[2];
        for (int k = 0; k < blocks; k++)
          g[k] = load(VL_FLOAT32, gradients, ((k * POSITIONS + p) * SUM_TILES + t) * LANES, LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < LANES; i++)
          part[i] += g[i % blocks] * splat(image[t * LANES + first + i / blocks]);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < LANES; i++)
        store(VL_FLOAT32, target, (i % blocks) * next + i / blocks * LANES, part[i], LANES);
    }
  }
}

INLINE void winograd_sums_as(const vl_winograd_shape *w, int64_t images, const float *x,
                             int64_t x_step, const float *dy, int64_t dy_step, int blocks,
                             float *sums, int64_t next) {
  enum { SIZE = POSITIONS * SUM_TILES * LANES };
  float tiles[SIZE] __attribute__((aligned(64)));
  float gradients[2 * SIZE] __attribute__((aligned(64)));
  for (int k = 0; k < blocks; k++)
    memset(sums + k * next, 0, POSITIONS * LANES * LANES * sizeof(float));
  const int32_t across = (w->width + 1) / 2, down = (w->height + 1) / 2;
  int32_t filled = 0;
  for (int64_t image = 0; image < images; image++) {
    for (int32_t row = 0; row < down; row++) {
      int32_t count;
      for (int32_t first = 0; first < across; first += count) {
        count = across - first < SUM_TILES ? across - first : SUM_TILES;
        if (filled + count > SUM_TILES) {
          add_products(tiles, gradients, filled, blocks, sums, next);
          filled = 0;
        }
        transform_images(w, x + image * x_step, row, first, count, SUM_TILES,
                         tiles + filled * LANES);
        for (int k = 0; k < blocks; k++)
          transform_gradients(w, dy + image * dy_step + (int64_t)k * w->height * w->width * LANES,
                              row, first, count, SUM_TILES, gradients + k * SIZE + filled * LANES);
        filled += count;
      }
    }
  }
  add_products(tiles, gradients, filled, blocks, sums, next);
}

void VL(winograd_sums)(const vl_winograd_shape *w, int64_t images, const float *x, int64_t x_step,
                       const float *dy, int64_t dy_step, int blocks, float *sums, int64_t next) {
  if (blocks == 2) {
    winograd_sums_as(w, images, x, x_step, dy, dy_step, 2, sums, next);
  } else {
    winograd_sums_as(w, images, x, x_step, dy, dy_step, 1, sums, next);
  }
}

/// Gt v: four numbers to three.
#define GRADIENT_TRANSFORM(out, a, b, c, d) \
  do {                                      \
    (out)[0] = (a) + ((b) + (c)) * 0.5f;    \
    (out)[1] = ((b) - (c)) * 0.5f;          \
    (out)[2] = ((b) + (c)) * 0.5f + (d);    \
  } while (0)

void VL(winograd_weight_gradient)(int64_t groups, const float *sums, float *dw) {
  for (int c = 0; c < LANES; c++) {
    vf rows[3][4];
    for (int j = 0; j < 4; j++) {
      vf column[4];
      for (int i = 0; i < 4; i++) {
        const int64_t at = ((i * 4 + j) * LANES + c) * LANES;
        column[i] = splat(0);
        for (int64_t g = 0; g < groups; g++)
          column[i] += load(VL_FLOAT32, sums, g * POSITIONS * LANES * LANES + at, LANES);
      }
      vf out[3];
      GRADIENT_TRANSFORM(out, column[0], column[1], column[2], column[3]);
      for (int r = 0; r < 3; r++) rows[r][j] = out[r];
    }
    for (int r = 0; r < 3; r++) {
      vf out[3];
      GRADIENT_TRANSFORM(out, rows[r][0], rows[r][1], rows[r][2], rows[r][3]);
      for (int s = 0; s < 3; s++)
        store(VL_FLOAT32, dw, ((r * 3 + s) * LANES + c) * LANES, out[s], LANES);
    }
  }
}
