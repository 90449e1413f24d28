// The weight gradient of a convolution of channels-last images on a matrix unit, split over pixels:
//
//   convolution_matrix_tile_weight_gradient
//     partial[part, r, s, c, k] = sum over the part's pixels (n, p, q) of
//                                 x[n, p sh + r - ph, q sw + s - pw, c] dy[n, p, q, k]
//     with normalized x if HAS_PROLOGUE (common/prologue.cl)
//     bias_partial[part, k]     = sum over the part's pixels of dy[n, p, q, k], if HAS_BIAS
//
//   dw is the sum over the parts, in order (common/partial_sums.cl over arrays [parts, R S C
//   K]), and so is the bias's gradient; with one part the launch writes them itself.
//
//   x: real [images, height, width, channels]; dy: real [images, out_height, out_width, filters];
//   partial: accum [parts, R, S, channels, filters]; bias_partial: accum [parts, filters].
//
//                pixels ->                      filters ->
//     (r, s, c)  [ channels of one tap ]    x   [ filters of one pixel ]
//
// Both slices have the pixels outermost. A row of ones behind the last (r, s, c) makes the bias's
// gradient. Each item copies the same tap and channels of the left slice throughout, pixel after
// pixel; normalized chunks go through its registers.
//
// Geometry: axis 0 counts blocks of BLOCK_ROWS by BLOCK_COLUMNS, columns first, axis 1 parts of
// pixels_per_part pixels. Assumes that channels and filters are multiples of 8 (MatrixTile
// guarantees it). Tunables: those of common/matrix_tile.cl. Shape class: HAS_BIAS, HAS_PROLOGUE,
// ACTIVATION. Accumulator: float, in order of pixels by steps of FRAGMENT_PRODUCTS. Deterministic for a
// given number of parts.
// uses: common/matrix_tile.cl common/prologue.cl

#if LEFT_INNER_LAST || RIGHT_INNER_LAST
#error "weight gradients have the products first in both operands"
#endif

// Pixels whose channels a group copies at once, and the distance to the next such pixels.
#define PIXELS_AT_ONCE (GROUP_ITEMS / LEFT_CHUNKS)
#define PIXEL_STEP (PIXELS_AT_ONCE < BLOCK_INNER ? PIXELS_AT_ONCE : BLOCK_INNER)

#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif

#if defined(STORAGE_HALF)
#define ONE_BITS 0x3C00
#elif defined(STORAGE_BFLOAT16)
#define ONE_BITS 0x3F80
#else
#define ONE_BITS 0x3F800000
#endif

struct Result {
  global accum *weights;
  global accum *bias;
  int rows;
  int columns;
};

static inline void store_result(const Result *result, const int row, const int column,
                                const accums sums) {
  if (column >= result->columns) return;
  if (row < result->rows) {
    store_accums(sums, result->weights + (size_t)row * result->columns + column);
  }
#if HAS_BIAS
  if (row == result->rows) store_accums(sums, result->bias + column);
#endif
}

MATRIX_KERNEL void convolution_matrix_tile_weight_gradient(
    const global real *restrict dy, const global real *restrict x, global accum *restrict partial,
    global accum *restrict bias_partial, const int images, const int channels, const int height,
    const int width, const int filters, const int out_height, const int out_width,
    const int filter_height, const int filter_width, const int stride_height,
    const int stride_width, const int padding_height, const int padding_width,
    const int pixels_per_part PROLOGUE_ARGUMENTS) {
  LOCAL_ARRAY uint4 memory[MEMORY_CHUNKS];
  DECLARE_WARP(warp, WARPS);
  const int blocks_across = (filters + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
  const int first_row = (int)get_group_id(0) / blocks_across * BLOCK_ROWS;
  const int first_column = (int)get_group_id(0) % blocks_across * BLOCK_COLUMNS;
  const int part = get_group_id(1);
  const int rows = filter_height * filter_width * channels;
  const int first_pixel = part * pixels_per_part;
  const int end_pixel = min(first_pixel + pixels_per_part, images * out_height * out_width);

  // This item's tap and channels, and the pixel that it copies next.
  const int chunk = get_local_id(0) % LEFT_CHUNKS;
  const int row = first_row + chunk * CHUNK;
  const int tap = row / channels;
  const int channel = row % channels;
  const int down = tap / filter_width - padding_height;
  const int across = tap % filter_width - padding_width;
  const int in_slice = get_local_id(0) / LEFT_CHUNKS;
  int number = first_pixel + in_slice;
  const Divisor lines = divisor_of(out_height), columns = divisor_of(out_width);
  Digits pixel = digits_of(number, lines, columns);
  const Digits step = digits_of(PIXEL_STEP, lines, columns);

#if HAS_PROLOGUE
  const Prologue prologue = PROLOGUE;
  uint4 chunks[BLOCK_INNER / PIXEL_STEP];
  int insides = 0;
#define TAKE_CHUNK(place, turn, from, inside)   \
  chunks[turn] = *(const global uint4 *)(from); \
  insides = (turn) == 0 ? inside : insides | inside << (turn)
#define FINISH_SLICE(left)                                                                         \
  UNROLL                                                                                           \
  for (int turn = 0; turn < BLOCK_INNER / PIXEL_STEP; ++turn) {                                    \
    if ((PIXELS_AT_ONCE <= BLOCK_INNER || in_slice < BLOCK_INNER) && !(HAS_BIAS && row == rows)) { \
      const uint4 numbers = normalized_chunk(chunks[turn], &prologue, channel);                    \
      (left)[chunk_place(turn * PIXEL_STEP + in_slice, chunk, LEFT_CHUNKS)] =                      \
          insides >> turn & 1 ? numbers : VECTOR(uint4)(0);                                        \
    }                                                                                              \
  }
#else
// Other taps of the block need most of these pixels again.
#define TAKE_CHUNK(place, turn, from, inside) copy_to_local(&warp, place, from, inside, REUSED)
#define FINISH_SLICE NOTHING_TO_FINISH
#endif

  WarpTile tile;
  clear_sums(&tile);
#define COPY_SLICE(slice_number, left, right)                                                \
  UNROLL                                                                                     \
  for (int top = 0; top < BLOCK_INNER; top += PIXEL_STEP) {                                  \
    const int h = pixel.middle * stride_height + down;                                       \
    const int w = pixel.inner * stride_width + across;                                       \
    const int inside =                                                                       \
        row < rows && number < end_pixel && (uint)h < (uint)height && (uint)w < (uint)width; \
    const int at = ((pixel.outer * height + h) * width + w) * channels + channel;            \
    local uint4 *place = (left) + chunk_place(top + in_slice, chunk, LEFT_CHUNKS);           \
    if (PIXELS_AT_ONCE <= BLOCK_INNER || in_slice < BLOCK_INNER) {                           \
      if (HAS_BIAS && row == rows) {                                                         \
        *place = VECTOR(uint4)(ONE_BITS, 0, 0, 0);                                           \
      } else {                                                                               \
        TAKE_CHUNK(place, top / PIXEL_STEP, x + (inside ? at : 0), inside);                  \
      }                                                                                      \
    }                                                                                        \
    advance(&pixel, &step, lines, columns);                                                  \
    number += PIXEL_STEP;                                                                    \
  }                                                                                          \
  copy_slice(&warp, right, BLOCK_INNER, RIGHT_CHUNKS, dy,                                    \
             first_pixel + (slice_number)*BLOCK_INNER, end_pixel, first_column, filters, filters)
  MULTIPLY_SLICES(warp, tile, memory, (end_pixel - first_pixel + BLOCK_INNER - 1) / BLOCK_INNER,
                  COPY_SLICE, FINISH_SLICE);

  const Result result = {partial + (size_t)part * rows * filters,
                         bias_partial + (size_t)part * filters, rows, filters};
  store_sums(&warp, &tile, memory, &result, first_row, first_column);
}
