// Convolution of channels-last images on a matrix unit, as an implicit matrix product whose rows
// are pixels of the result, whose columns are its channels, and whose products run over taps and
// the source's channels, flattened. A program has one entry point, chosen by INPUT_GRADIENT:
//
//   convolution_matrix_tile_forward (0)
//     y[n, p, q, k] = phi(bias[k] + residual[n, p, q, k] +
//         sum over r, s, c of x[n, p sh + r - ph, q sw + s - pw, c] v[r, s, k, c])
//     with normalized x if HAS_PROLOGUE (common/prologue.cl)
//   convolution_matrix_tile_input_gradient (1)
//     x[n, h, w, c] =
//         sum over r, s, k of y[n, (h + ph - r) / sh, (w + pw - s) / sw, k] w[r, s, c, k]
//     over those r, s whose quotients are whole and inside y; perhaps plus addend[n, h, w, c], times
//     phi' at reference[n, h, w, c], which is phi's argument or, if SLOPE_FROM_OUTPUT, its value.
//
//   `terms` says whether there are bias, residual and phi, or addend and phi' (common/result.cl).
//
//   x: real [images, height, width, channels]; y: real [images, out_height, out_width, filters];
//   w: real [R, S, channels, filters]; v: real [R, S, filters, channels], w with its last axes
//   exchanged; bias: accum [filters]; residual like y; addend, reference like x.
//
// If HAS_STATISTICS, the forward convolution also stores mean and squared deviations of each channel of
// each BLOCK_ROWS pixels of y, as they are stored: partial[block, 0, k] and partial[block, 1, k], accum
// [blocks, 2, filters].
//
// Pixels of an input gradient fall into sh * sw classes by their remainders modulo the strides:
// those of one class see the same taps, r0 + a sh and s0 + b sw, in rows i - a and columns j - b of
// y that follow each other, so that a class is a convolution of stride 1. Forward there is one
// class.
//
//              taps and channels ->             channels of the result ->
//      pixels  [ channels of one tap ]     x    [ channels of one tap ] transposed
//
// Each item copies the same CHUNK products of some rows of both slices, so that it follows one tap.
// Normalized chunks go through its registers.
//
// Geometry: axis 0 counts blocks of BLOCK_ROWS by BLOCK_COLUMNS, columns first, axis 1 classes.
// Assumes that channels and filters are multiples of 8 (MatrixTile guarantees it). Tunables: those
// of common/matrix_tile.cl; both operands have the products last. Shape class: ACTIVATION,
// INPUT_GRADIENT, SLOPE_FROM_OUTPUT, HAS_PROLOGUE, HAS_STATISTICS.
// Accumulator: float, in order of taps and channels by steps of FRAGMENT_PRODUCTS.
// Deterministic.
// uses: common/matrix_result.cl common/partial_sums.cl common/prologue.cl

#if !LEFT_INNER_LAST || !RIGHT_INNER_LAST
#error "convolutions have the products last in both operands"
#endif

#define CHUNKS (BLOCK_INNER / CHUNK)
#define ROWS_AT_ONCE (GROUP_ITEMS / CHUNKS)
#define LEFT_TURNS ((BLOCK_ROWS + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE)
#define RIGHT_TURNS ((BLOCK_COLUMNS + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE)

// A row that lies in no image, whatever the tap.
#define OUTSIDE (-(1 << 29))

// The source: images [height, width] of `channels`, seen through [taps_down, taps_across].
typedef struct {
  const global real *images;
  const global real *weights;
  int height;
  int width;
  int channels;
  int taps_down;
  int taps_across;
  // From one tap to the next down and across, in the weights, and to the next channel of the
  // result.
  int weight_down;
  int weight_across;
  int weight_column;
  int columns;
} Source;

// The pixels that an item copies, at the tap (0, 0): row and column in the source, and their place
// there.
typedef struct {
  int row[LEFT_TURNS];
  int column[LEFT_TURNS];
  int place[LEFT_TURNS];
#if HAS_PROLOGUE
  Prologue prologue;
  // On their way: the chunks of a slice, the bits of those inside, and their first channel.
  uint4 chunks[LEFT_TURNS];
  int inside;
  int channel;
#endif
} Pixels;

// Copies a slice of both operands: of `tap`, a tap down and across and its first channel.
static inline void copy_taps(Warp *warp, const Source *source, Pixels *pixels, const Digits *tap,
                             const int first_column, local uint4 *left, local uint4 *right) {
  const int chunk = get_local_id(0) % CHUNKS;
  const int first = get_local_id(0) / CHUNKS;
  const int is_tap = tap->outer < source->taps_down;
  // An input gradient looks back from its pixel, a convolution ahead.
  const int down = INPUT_GRADIENT ? -tap->outer : tap->outer;
  const int across = INPUT_GRADIENT ? -tap->middle : tap->middle;
  const int distance = (down * source->width + across) * source->channels + tap->inner;
#if HAS_PROLOGUE
  pixels->inside = 0;
  pixels->channel = tap->inner;
#endif
  UNROLL
  for (int turn = 0; turn < LEFT_TURNS; ++turn) {
    const int row = first + turn * ROWS_AT_ONCE;
    if (BLOCK_ROWS % ROWS_AT_ONCE != 0 && row >= BLOCK_ROWS) break;
    const int inside = is_tap && (uint)(pixels->row[turn] + down) < (uint)source->height &&
                       (uint)(pixels->column[turn] + across) < (uint)source->width;
    const global real *from = source->images + (inside ? pixels->place[turn] + distance : 0);
#if HAS_PROLOGUE
    pixels->chunks[turn] = *(const global uint4 *)from;
    pixels->inside |= inside << turn;
#else
    // Other taps, if there are any, need most of these pixels again.
    copy_to_local(warp, left + chunk_place(row, chunk, CHUNKS), from, inside, REUSED);
#endif
  }
  const int weight =
      tap->outer * source->weight_down + tap->middle * source->weight_across + tap->inner;
  UNROLL
  for (int turn = 0; turn < RIGHT_TURNS; ++turn) {
    const int row = first + turn * ROWS_AT_ONCE;
    if (BLOCK_COLUMNS % ROWS_AT_ONCE != 0 && row >= BLOCK_COLUMNS) break;
    const int inside = is_tap && first_column + row < source->columns;
    copy_to_local(
        warp, right + chunk_place(row, chunk, CHUNKS),
        source->weights + (inside ? weight + (first_column + row) * source->weight_column : 0),
        inside, STREAMED);
  }
}

#if HAS_PROLOGUE
// Normalizes what copy_taps has loaded.
static inline void finish_taps(const Pixels *pixels, local uint4 *left) {
  const int chunk = get_local_id(0) % CHUNKS;
  const int first = get_local_id(0) / CHUNKS;
  UNROLL
  for (int turn = 0; turn < LEFT_TURNS; ++turn) {
    const int row = first + turn * ROWS_AT_ONCE;
    if (BLOCK_ROWS % ROWS_AT_ONCE != 0 && row >= BLOCK_ROWS) break;
    const uint4 numbers =
        normalized_chunk(pixels->chunks[turn], &pixels->prologue, pixels->channel);
    left[chunk_place(row, chunk, CHUNKS)] = pixels->inside >> turn & 1 ? numbers : VECTOR(uint4)(0);
  }
}
#endif

// All slices of the block at `first_row` and `first_column`, into the tile.
static inline void multiply_taps(Warp *warp, WarpTile *tile, local uint4 *memory,
                                 const Source *source, Pixels *pixels, const int first_column) {
  const int products = source->taps_down * source->taps_across * source->channels;
  // A class without taps has no products to walk over.
  const Divisor middle = divisor_of(max(1, source->taps_across));
  const Divisor inner = divisor_of(source->channels);
  Digits tap = digits_of((int)get_local_id(0) % CHUNKS * CHUNK, middle, inner);
  const Digits step = digits_of(BLOCK_INNER, middle, inner);
  clear_sums(tile);
#define COPY_SLICE(number, left, right)                             \
  copy_taps(warp, source, pixels, &tap, first_column, left, right); \
  advance(&tap, &step, middle, inner)
#if HAS_PROLOGUE
#define FINISH_SLICE(left) finish_taps(pixels, left)
#else
#define FINISH_SLICE NOTHING_TO_FINISH
#endif
  MULTIPLY_SLICES(*warp, *tile, memory, (products + BLOCK_INNER - 1) / BLOCK_INNER, COPY_SLICE,
                  FINISH_SLICE);
}

#if !INPUT_GRADIENT

#if HAS_STATISTICS
#define STATISTICS_ARGUMENTS , global accum *restrict partial
#else
#define STATISTICS_ARGUMENTS
#endif

MATRIX_KERNEL void convolution_matrix_tile_forward(
    const global real *restrict x, const global real *restrict v, const global accum *restrict bias,
    const global real *restrict residual, global real *restrict y, const int terms,
    const int images, const int channels, const int height, const int width, const int filters,
    const int out_height, const int out_width, const int filter_height, const int filter_width,
    const int stride_height, const int stride_width, const int padding_height,
    const int padding_width STATISTICS_ARGUMENTS PROLOGUE_ARGUMENTS) {
  LOCAL_ARRAY uint4 memory[RESULT_MEMORY_CHUNKS];
  DECLARE_WARP(warp, WARPS);
  const int blocks_across = (filters + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
  const int first_row = (int)get_group_id(0) / blocks_across * BLOCK_ROWS;
  const int first_column = (int)get_group_id(0) % blocks_across * BLOCK_COLUMNS;
  const int rows = images * out_height * out_width;
  const Source source = {x,
                         v,
                         height,
                         width,
                         channels,
                         filter_height,
                         filter_width,
                         filter_width * filters * channels,
                         filters * channels,
                         channels,
                         filters};
  Pixels pixels;
#if HAS_PROLOGUE
  const Prologue prologue = PROLOGUE;
  pixels.prologue = prologue;
#endif
  const Divisor lines = divisor_of(out_height), columns = divisor_of(out_width);
  UNROLL
  for (int turn = 0; turn < LEFT_TURNS; ++turn) {
    const int number = first_row + (int)get_local_id(0) / CHUNKS + turn * ROWS_AT_ONCE;
    const Digits pixel = digits_of(number, lines, columns);
    const int top = pixel.middle * stride_height - padding_height;
    pixels.row[turn] = number < rows ? top : OUTSIDE;
    pixels.column[turn] = pixel.inner * stride_width - padding_width;
    pixels.place[turn] = ((pixel.outer * height + top) * width + pixels.column[turn]) * channels;
  }
  WarpTile tile;
  multiply_taps(&warp, &tile, memory, &source, &pixels, first_column);
#if HAS_STATISTICS
  Series series = empty_series();
  const Result result = {bias, residual, y, terms, rows, filters, &series};
#else
  const Result result = {bias, residual, y, terms, rows, filters};
#endif
  store_sums(&warp, &tile, memory, &result, first_row, first_column);
#if HAS_STATISTICS
  store_moments(&warp, &series, memory, partial + (size_t)(first_row / BLOCK_ROWS) * 2 * filters,
                filters, first_column);
#endif
}

#else

struct Result {
  const global real *addend;
  const global real *reference;
  global real *x;
  int terms;
  int rows;
  int columns;
  // The class: its extents, its first pixel and the steps between pixels in x.
  Divisor height;
  Divisor width;
  int first_row;
  int first_column;
  int step_down;
  int step_across;
  int image_height;
  int image_width;
};

static inline void store_result(const Result *result, const int row, const int column,
                                const accums sums) {
  if (row >= result->rows || column >= result->columns) return;
  const Digits digits = digits_of(row, result->height, result->width);
  const int image_row = result->first_row + digits.middle * result->step_down;
  const int image_column = result->first_column + digits.inner * result->step_across;
  const size_t pixel =
      ((size_t)digits.outer * result->image_height + image_row) * result->image_width +
      image_column;
  const size_t place = pixel * result->columns + column;
  store_gradient(sums, result->terms, result->addend + place, result->reference + place,
                 result->x + place);
}

MATRIX_KERNEL void convolution_matrix_tile_input_gradient(
    const global real *restrict y, const global real *restrict w,
    const global real *restrict addend, const global real *restrict reference,
    global real *restrict x, const int terms, const int images, const int channels,
    const int height, const int width, const int filters, const int out_height, const int out_width,
    const int filter_height, const int filter_width, const int stride_height,
    const int stride_width, const int padding_height, const int padding_width PARTS_ARGUMENTS) {
  LOCAL_ARRAY uint4 memory[MEMORY_CHUNKS];
  ADD_UP_PARTS
  DECLARE_WARP(warp, WARPS);
  const int blocks_across = (channels + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
  const int first_row = (int)get_group_id(0) / blocks_across * BLOCK_ROWS;
  const int first_column = (int)get_group_id(0) % blocks_across * BLOCK_COLUMNS;
  const Divisor down = divisor_of(stride_height), across = divisor_of(stride_width);
  const int class_row = quotient((int)get_group_id(1), across);
  const int class_column = (int)get_group_id(1) - class_row * stride_width;
  const int class_height = quotient(height - class_row + stride_height - 1, down);
  const int class_width = quotient(width - class_column + stride_width - 1, across);
  const int rows = images * class_height * class_width;
  // Classes of fewer pixels have groups to spare.
  if (first_row >= rows) return;

  // The first tap, and how many rows and columns of y it lies ahead of the pixel.
  const int ahead_down = quotient(class_row + padding_height, down);
  const int ahead_across = quotient(class_column + padding_width, across);
  const int first_tap = class_row + padding_height - ahead_down * stride_height;
  const int first_tap_across = class_column + padding_width - ahead_across * stride_width;
  const int taps_down = quotient(filter_height - first_tap + stride_height - 1, down);
  const int taps_across = quotient(filter_width - first_tap_across + stride_width - 1, across);
  const int tap_size = channels * filters;
  const Source source = {y,
                         w + (first_tap * filter_width + first_tap_across) * tap_size,
                         out_height,
                         out_width,
                         filters,
                         taps_down,
                         taps_across,
                         stride_height * filter_width * tap_size,
                         stride_width * tap_size,
                         filters,
                         channels};
  Pixels pixels;
  const Divisor lines = divisor_of(class_height), columns = divisor_of(class_width);
  UNROLL
  for (int turn = 0; turn < LEFT_TURNS; ++turn) {
    const int number = first_row + (int)get_local_id(0) / CHUNKS + turn * ROWS_AT_ONCE;
    const Digits pixel = digits_of(number, lines, columns);
    const int top = pixel.middle + ahead_down;
    pixels.row[turn] = number < rows ? top : OUTSIDE;
    pixels.column[turn] = pixel.inner + ahead_across;
    pixels.place[turn] =
        ((pixel.outer * out_height + top) * out_width + pixels.column[turn]) * filters;
  }
  WarpTile tile;
  multiply_taps(&warp, &tile, memory, &source, &pixels, first_column);
  const Result result = {addend,        reference,    x,       terms,     rows,
                         channels,      lines,        columns, class_row, class_column,
                         stride_height, stride_width, height,  width};
  store_sums(&warp, &tile, memory, &result, first_row, first_column);
}

#endif
