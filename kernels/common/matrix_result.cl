// How a matrix unit's sums are stored as y [rows, columns], with store_product's bias and residual.
// Input gradients, whose pixels lie otherwise, define their own: INPUT_GRADIENT leaves this out.
//
// If HAS_STATISTICS, store_moments stores mean and squared deviations of each column of the block, as it
// was stored: each item sees the same WIDTH columns of every few rows, and the block's items are merged
// through local memory in a fixed order.
// uses: common/matrix_tile.cl common/moments.cl common/result.cl

#ifndef INPUT_GRADIENT
#define INPUT_GRADIENT 0
#endif

#if !INPUT_GRADIENT

struct Result {
  const global accum *bias;
  const global RESULT *residual;
  global RESULT *y;
  int terms;
  int rows;
  int columns;
#if HAS_STATISTICS
  // Of the numbers that this item stores.
  Series *series;
#endif
};

static inline void store_result(const Result *result, const int row, const int column,
                                const accums sums) {
  if (row >= result->rows || column >= result->columns) return;
  const size_t place = (size_t)row * result->columns + column;
  store_product(sums, result->terms, result->bias + column, result->residual + place,
                result->y + place);
#if HAS_STATISTICS
  const accums stored = load_reals(result->y + place);
  if (result->series->count == 0) result->series->first = stored;
  observe(result->series, stored);
  result->series->count += 1;
#endif
}

#if HAS_STATISTICS

// Items of a warp side by side and one below the other, items of the group that see a column, and how
// many items merge those.
#define ITEMS_ACROSS (WARP_COLUMNS / WIDTH)
#define ITEMS_DOWN (WARP_ITEMS / ITEMS_ACROSS)
#define ITEMS_OF_COLUMN (WARPS / WARPS_ACROSS * ITEMS_DOWN)
#define MERGERS (GROUP_ITEMS / BLOCK_COLUMNS)
#if BLOCK_COLUMNS > GROUP_ITEMS
#error "an item merges no more than one column"
#endif

// Local memory of the slices, the sums and the moments, which need it one after the other.
#define MOMENTS_SIZE ((ITEMS_OF_COLUMN + 2 * GROUP_ITEMS * WIDTH) / 4)
#define RESULT_MEMORY_CHUNKS (MEMORY_CHUNKS > MOMENTS_SIZE ? MEMORY_CHUNKS : MOMENTS_SIZE)

// Moments of one column from `number` others, the first of which is of no fewer rows than the rest.
INLINE void merge_column(const local float *counts, const local float *means,
                         const local float *squares, const int column, const int first,
                         const int number, float *count, float *mean, float *square) {
  const float origin = means[first * BLOCK_COLUMNS + column];
  float total = 0, distance = 0, sum = 0;
  UNROLL
  for (int i = first; i < first + number; ++i) {
    total += counts[i];
    distance = fma(counts[i], means[i * BLOCK_COLUMNS + column] - origin, distance);
  }
  distance = total > 0 ? distance / total : 0;
  UNROLL
  for (int i = first; i < first + number; ++i) {
    const float deviation = means[i * BLOCK_COLUMNS + column] - origin - distance;
    sum += fma(deviation * deviation, counts[i], squares[i * BLOCK_COLUMNS + column]);
  }
  *count = total;
  *mean = origin + distance;
  *square = sum;
}

// Puts mean and squared deviations of the block's columns at partial[0, first_column] and partial[1,
// first_column] of [2, columns]. `memory` is free for it behind a barrier.
INLINE void store_moments(const Warp *warp, const Series *series, local uint4 *memory,
                          global accum *partial, const int columns, const int first_column) {
  local float *counts = (local float *)memory;
  local float *means = counts + ITEMS_OF_COLUMN;
  local float *squares = means + GROUP_ITEMS * WIDTH;
  const Moments own = moments_of(series);
  const int row =
      (int)get_local_id(0) / WARP_ITEMS / WARPS_ACROSS * ITEMS_DOWN + warp->lane / ITEMS_ACROSS;
  const int place = row * BLOCK_COLUMNS + warp_column() + warp->lane % ITEMS_ACROSS * WIDTH;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (place == row * BLOCK_COLUMNS) counts[row] = own.count;
  VECTOR_TO_LANES(own.mean, means + place);
  VECTOR_TO_LANES(own.squares, squares + place);
  barrier(CLK_LOCAL_MEM_FENCE);
  const int column = (int)get_local_id(0) % BLOCK_COLUMNS;
  const int merger = (int)get_local_id(0) / BLOCK_COLUMNS;
  float count, mean, square;
  merge_column(counts, means, squares, column, merger * (ITEMS_OF_COLUMN / MERGERS),
               ITEMS_OF_COLUMN / MERGERS, &count, &mean, &square);
#if MERGERS > 1
  barrier(CLK_LOCAL_MEM_FENCE);
  if (column == 0) counts[merger] = count;
  means[merger * BLOCK_COLUMNS + column] = mean;
  squares[merger * BLOCK_COLUMNS + column] = square;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (merger == 0) {
    merge_column(counts, means, squares, column, 0, MERGERS, &count, &mean, &square);
  }
#endif
  if (merger == 0 && first_column + column < columns) {
    partial[first_column + column] = mean;
    partial[columns + first_column + column] = square;
  }
}

#else
#define RESULT_MEMORY_CHUNKS MEMORY_CHUNKS
#endif

#endif
