// A group's tile of a product on a matrix unit: BLOCK_ROWS by BLOCK_COLUMNS sums, in warps' tiles
// of WARP_ROWS by WARP_COLUMNS; STAGES slices of BLOCK_INNER products lie in local memory, one
// being multiplied while the others are on their way.
//
//                 BLOCK_COLUMNS ->
//              +--------+--------+     A slice of the left operand is [BLOCK_ROWS][BLOCK_INNER] where
//   BLOCK_ROWS | warp 0 | warp 1 |     LEFT_INNER_LAST is 1, else [BLOCK_INNER][BLOCK_ROWS]; the
//              +--------+--------+     right one's is [BLOCK_COLUMNS][BLOCK_INNER] where
//              | warp 2 | warp 3 |     RIGHT_INNER_LAST is 1, else [BLOCK_INNER][BLOCK_COLUMNS]:
//              +--------+--------+     what lies side by side in global memory lies so here.
//
// Chunks of 16 bytes, CHUNK numbers, are permuted within the rows of a slice (chunk_place), so that the
// 8 rows that load_fragments reads at once lie in different banks.
//
// Sums leave through local memory, 16 rows of a warp at a time, so that each item stores WIDTH
// neighbors: store_sums calls store_result, which each kernel defines.
//
// Tunables: BLOCK_INNER a multiple of 16; WARP_ROWS and WARP_COLUMNS multiples of 16, dividing
// BLOCK_ROWS and BLOCK_COLUMNS, powers of two; STAGES 2..8; together at most 48 KiB; WIDTH results of 16
// bytes (MatrixTile in IsometryLowering chooses them). Groups are GROUP_ITEMS items of one axis.
// uses: common/matrix_unit.cl

#ifndef BLOCK_ROWS
#define BLOCK_ROWS 128
#endif
#ifndef BLOCK_COLUMNS
#define BLOCK_COLUMNS 128
#endif
#ifndef BLOCK_INNER
#define BLOCK_INNER 32
#endif
#ifndef WARP_ROWS
#define WARP_ROWS 64
#endif
#ifndef WARP_COLUMNS
#define WARP_COLUMNS 64
#endif
#ifndef STAGES
#define STAGES 3
#endif
#ifndef LEFT_INNER_LAST
#define LEFT_INNER_LAST 0
#endif
#ifndef RIGHT_INNER_LAST
#define RIGHT_INNER_LAST 0
#endif
#if WIDTH != 4 && WIDTH != 8
#error "WIDTH is 4 or 8"
#endif
#if BLOCK_INNER % 16 || WARP_ROWS % 16 || WARP_COLUMNS % 16 || BLOCK_ROWS % WARP_ROWS || \
    BLOCK_COLUMNS % WARP_COLUMNS
#error "warps' tiles are multiples of 16 and divide the block's"
#endif
#if STAGES < 2 || STAGES > 8
#error "STAGES is 2 to 8"
#endif

#define WARPS_ACROSS (BLOCK_COLUMNS / WARP_COLUMNS)
#define WARPS (BLOCK_ROWS / WARP_ROWS * WARPS_ACROSS)
#define GROUP_ITEMS (WARPS * WARP_ITEMS)
#define ROW_TILES (WARP_ROWS / 16)
#define COLUMN_TILES (WARP_COLUMNS / 8)
#define MATRIX_KERNEL DENSE_KERNEL(GROUP_ITEMS)

// Chunks of a slice: of each operand's rows, of the operands, of both.
#define LEFT_CHUNKS ((LEFT_INNER_LAST ? BLOCK_INNER : BLOCK_ROWS) / CHUNK)
#define RIGHT_CHUNKS ((RIGHT_INNER_LAST ? BLOCK_INNER : BLOCK_COLUMNS) / CHUNK)
#define LEFT_SIZE (BLOCK_ROWS * BLOCK_INNER / CHUNK)
#define RIGHT_SIZE (BLOCK_COLUMNS * BLOCK_INNER / CHUNK)
#define STAGE_SIZE (LEFT_SIZE + RIGHT_SIZE)

// Whether the rows or columns of two halves of a fragment alternate (load_sixteen).
#define ALTERNATING_ROWS (CHUNK == 4 && !LEFT_INNER_LAST)
#define ALTERNATING_COLUMNS (CHUNK == 4 && !RIGHT_INNER_LAST)

// Floats between rows of sums on their way out: 8 more than a row, against conflicts of banks.
#define SUM_STRIDE (WARP_COLUMNS + 8)
#define SUMS_SIZE (WARPS * 16 * SUM_STRIDE / 4)
#define MEMORY_CHUNKS (STAGES * STAGE_SIZE > SUMS_SIZE ? STAGES * STAGE_SIZE : SUMS_SIZE)

typedef struct {
  float sum[ROW_TILES][COLUMN_TILES][4];
} WarpTile;

// What a kernel's results are stored with.
typedef struct Result Result;

// Takes the sums of WIDTH neighboring columns, which may lie outside the result.
static inline void store_result(const Result *result, const int row, const int column,
                                const accums sums);

// A positive number that divides several others: `factor` is its reciprocal in units of 2^-32, rounded
// down, so that a product with a number below 2^31 is the quotient or one less.
typedef struct {
  int number;
  uint factor;
} Divisor;

static inline Divisor divisor_of(const int number) {
  const Divisor divisor = {number, 0xFFFFFFFFu / (uint)number};
  return divisor;
}

static inline int quotient(const int number, const Divisor divisor) {
  const int least = (int)mul_hi((uint)number, divisor.factor);
  return least + (number - least * divisor.number >= divisor.number);
}

// A number written as (outer * middle extent + middle) * inner extent + inner: a tap and its
// channel, an image and its pixel. Walks add the same step again and again, which needs neither a
// division nor a branch.
typedef struct {
  int outer;
  int middle;
  int inner;
} Digits;

static inline Digits digits_of(const int number, const Divisor middle, const Divisor inner) {
  const int line = quotient(number, inner);
  const int outer = quotient(line, middle);
  const Digits digits = {outer, line - outer * middle.number, number - line * inner.number};
  return digits;
}

static inline void advance(Digits *digits, const Digits *step, const Divisor middle,
                           const Divisor inner) {
  digits->inner += step->inner;
  const int carry = digits->inner >= inner.number;
  digits->inner -= carry ? inner.number : 0;
  digits->middle += step->middle + carry;
  const int next = digits->middle >= middle.number;
  digits->middle -= next ? middle.number : 0;
  digits->outer += step->outer + next;
}

// Where a chunk lies in a slice whose rows have that many. The places of a chunk differ in each 8 rows,
// and those of two neighboring chunks in each 4, which load_sixteen reads of fp32.
static inline int chunk_place(const int row, const int chunk, const int chunks) {
  const int turns = chunks < 8 ? chunks : 8;
  const int turn = row / (8 / turns) % turns;
  return row * chunks + (chunk ^ (turn * 2 + turn * 2 / turns) % turns);
}

// Copies a slice [rows][CHUNK chunks] of a matrix whose rows are `stride` numbers long. What lies
// outside `end_row` and `end_column`, a multiple of 8, arrives as zeros.
static inline void copy_slice(Warp *warp, local uint4 *slice, const int rows, const int chunks,
                              const global real *matrix, const int first_row, const int end_row,
                              const int first_column, const int end_column, const int stride) {
  const int chunk = get_local_id(0) % chunks;
  const int column = first_column + chunk * CHUNK;
  UNROLL
  for (int top = 0; top < rows; top += GROUP_ITEMS / chunks) {
    const int row = top + (int)get_local_id(0) / chunks;
    if (rows % (GROUP_ITEMS / chunks) != 0 && row >= rows) break;
    const int inside = first_row + row < end_row && column < end_column;
    copy_to_local(warp, slice + chunk_place(row, chunk, chunks),
                  matrix + (inside ? (first_row + row) * stride + column : 0), inside, STREAMED);
  }
}

// Sixteen rows (of the left operand) or columns (of the right) by FRAGMENT_PRODUCTS products.
// `first` counts rows or columns in the slice, `inner` products.
//
// The four matrices of a load are, as (rows or columns, products), in units of 8 and of CHUNK: for the
// left operand (0, 0), (1, 0), (0, 1), (1, 1), for the right one, two tiles wide, (0, 0), (0, 1), (1,
// 0), (1, 1).
static inline void load_sixteen(Warp *warp, uint *words, const local uint4 *slice, const int first,
                                const int inner, const int is_left, const int inner_last,
                                const int chunks) {
#if CHUNK == 4
  // A transposed load would part the numbers. Neighbors are read at once then, so that rows or columns of
  // the halves alternate.
  UNROLL
  for (int along = 0; along < 2 && !inner_last; ++along) {
    const int line = first + warp->lane / 4 * 2;
    const int row = inner + along * 4 + warp->lane % 4;
    const local uint2 *chunk = (const local uint2 *)(slice + chunk_place(row, line / 4, chunks));
    const uint2 halves = chunk[line % 4 / 2];
    words[is_left ? along * 2 : along] = halves.x;
    words[is_left ? along * 2 + 1 : along + 2] = halves.y;
  }
#endif
  if (CHUNK == 8 || inner_last) {
    const int matrix = warp->lane / 8;
    const int across = is_left ? matrix % 2 : matrix / 2;
    const int along = is_left ? matrix / 2 : matrix % 2;
    const int row = inner_last ? first + across * 8 : inner + along * 8;
    const int chunk = inner_last ? inner / CHUNK + along : first / 8 + across;
    load_fragments(warp, words, slice + chunk_place(row + warp->lane % 8, chunk, chunks),
                   !inner_last);
  }
#if CHUNK == 4
  UNROLL
  for (int w = 0; w < 4; ++w) words[w] = tf32_bits(as_float(words[w]));
#endif
}

static inline void clear_sums(WarpTile *tile) {
  UNROLL
  for (int i = 0; i < ROW_TILES; ++i) {
    UNROLL
    for (int j = 0; j < COLUMN_TILES; ++j) {
      UNROLL
      for (int e = 0; e < 4; ++e) tile->sum[i][j][e] = 0;
    }
  }
}

// Where this warp's tile begins in the block.
static inline int warp_row(void) {
  return (int)get_local_id(0) / WARP_ITEMS / WARPS_ACROSS * WARP_ROWS;
}
static inline int warp_column(void) {
  return (int)get_local_id(0) / WARP_ITEMS % WARPS_ACROSS * WARP_COLUMNS;
}

// Adds the products of one slice.
static inline void multiply_slice(Warp *warp, WarpTile *tile, const local uint4 *left,
                                  const local uint4 *right) {
  UNROLL
  for (int inner = 0; inner < BLOCK_INNER; inner += FRAGMENT_PRODUCTS) {
    uint b[COLUMN_TILES][2];
    UNROLL
    for (int j = 0; j < COLUMN_TILES; j += 2) {
      load_sixteen(warp, b[j], right, warp_column() + j * 8, inner, 0, RIGHT_INNER_LAST,
                   RIGHT_CHUNKS);
    }
    UNROLL
    for (int i = 0; i < ROW_TILES; ++i) {
      uint a[4];
      load_sixteen(warp, a, left, warp_row() + i * 16, inner, 1, LEFT_INNER_LAST, LEFT_CHUNKS);
      UNROLL
      for (int j = 0; j < COLUMN_TILES; ++j) multiply_fragments(warp, tile->sum[i][j], a, b[j]);
    }
  }
}

// Hands all sums to store_result; `first_row` and `first_column` are the block's. `memory` is free
// for it behind a barrier.
static inline void store_sums(Warp *warp, const WarpTile *tile, local uint4 *memory,
                              const Result *result, const int first_row, const int first_column) {
  local float *sums = (local float *)memory + (int)get_local_id(0) / WARP_ITEMS * (16 * SUM_STRIDE);
  const int place = warp->lane / 4 * SUM_STRIDE * (ALTERNATING_ROWS ? 2 : 1) +
                    warp->lane % 4 * (ALTERNATING_COLUMNS ? 4 : 2);
  // One copy of the epilogue, which may be long. The sums stay in registers: every index is a
  // constant.
  for (int turn = 0; turn < ROW_TILES; ++turn) {
    UNROLL
    for (int j = 0; j < COLUMN_TILES; ++j) {
      float2 upper = 0, lower = 0;
      UNROLL
      for (int i = 0; i < ROW_TILES; ++i) {
        const float *sum = tile->sum[i][j];
        upper = i == turn ? VECTOR(float2)(sum[0], sum[1]) : upper;
        lower = i == turn ? VECTOR(float2)(sum[2], sum[3]) : lower;
      }
      local float *above = sums + place + (ALTERNATING_COLUMNS ? j / 2 * 16 + j % 2 : j * 8);
      local float *below = above + SUM_STRIDE * (ALTERNATING_ROWS ? 1 : 8);
#if ALTERNATING_COLUMNS
      above[0] = upper.x, above[2] = upper.y;
      below[0] = lower.x, below[2] = lower.y;
#else
      vstore2(upper, 0, above);
      vstore2(lower, 0, below);
#endif
    }
    synchronize_warp(warp);
    for (int at = warp->lane; at < 16 * (WARP_COLUMNS / WIDTH); at += WARP_ITEMS) {
      const int row = at / (WARP_COLUMNS / WIDTH);
      const int column = at % (WARP_COLUMNS / WIDTH) * WIDTH;
      store_result(result, first_row + warp_row() + turn * 16 + row,
                   first_column + warp_column() + column,
                   LANES_TO_VECTOR(sums + row * SUM_STRIDE + column));
    }
    synchronize_warp(warp);
  }
}

// The loop over slices. COPY_SLICE(number, left, right) starts the copies of one slice; slices come
// in order. FINISH_SLICE(left) stores what of a slice went through registers, where a kernel defines
// it: a slice's products are between the two, so that loads have that time. Leaves with all items past
// their last read of `memory`.
#define MULTIPLY_SLICES(warp, tile, memory, slices, COPY_SLICE, FINISH_SLICE)                      \
  for (int ahead = 0; ahead < STAGES - 1; ++ahead) {                                               \
    if (ahead < (slices)) {                                                                        \
      COPY_SLICE(ahead, (memory) + ahead * STAGE_SIZE, (memory) + ahead * STAGE_SIZE + LEFT_SIZE); \
      FINISH_SLICE((memory) + ahead * STAGE_SIZE);                                                 \
    }                                                                                              \
    commit_copies(&(warp));                                                                        \
  }                                                                                                \
  for (int slice = 0; slice < (slices); ++slice) {                                                 \
    wait_for_copies(&(warp), STAGES - 2);                                                          \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
    const int ahead = slice + STAGES - 1;                                                          \
    local uint4 *free = (memory) + ahead % STAGES * STAGE_SIZE;                                    \
    if (ahead < (slices)) {                                                                        \
      COPY_SLICE(ahead, free, free + LEFT_SIZE);                                                   \
    }                                                                                              \
    commit_copies(&(warp));                                                                        \
    const local uint4 *full = (memory) + slice % STAGES * STAGE_SIZE;                              \
    multiply_slice(&(warp), &(tile), full, full + LEFT_SIZE);                                      \
    if (ahead < (slices)) {                                                                        \
      FINISH_SLICE(free);                                                                          \
    }                                                                                              \
  }                                                                                                \
  wait_for_copies(&(warp), 0);                                                                     \
  barrier(CLK_LOCAL_MEM_FENCE)

// For kernels whose slices come by copies alone.
#define NOTHING_TO_FINISH(left)
