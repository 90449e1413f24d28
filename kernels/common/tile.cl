// Register tiles of products and convolutions: one work-item holds TILE_ROWS rows (of a matrix, or
// pixels or channels) by TILE_VECTORS vectors of WIDTH columns of the result.
//
// Groups are grids of tiles. Tunables: TILE_ROWS, TILE_VECTORS, both positive, LOCAL_SIZE; RegisterTile
// and WeightGradientTile (IsometryLowering) choose them such that tiles cover the columns exactly.
// uses: common/grid.cl common/real.cl

#ifndef TILE_ROWS
#define TILE_ROWS 1
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 1
#endif
#if TILE_ROWS < 1 || TILE_VECTORS < 1
#error "tiles have positive extents"
#endif

#define TILE_COLUMNS (TILE_VECTORS * WIDTH)

typedef struct {
  accums sum[TILE_ROWS][TILE_VECTORS];
} Tile;

static inline void clear_tile(Tile *tile) {
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) tile->sum[i][v] = SPREAD(0);
  }
}

// Adds the product of a column, element i at numbers[i] + at, and a row of TILE_COLUMNS numbers.
static inline void add_product(Tile *tile, const global real *const *numbers, const size_t at,
                               const global real *row) {
  accums vectors[TILE_VECTORS];
#pragma unroll
  for (int v = 0; v < TILE_VECTORS; ++v) vectors[v] = load_reals(row + v * WIDTH);
#pragma unroll
  for (int i = 0; i < TILE_ROWS; ++i) {
    const accums number = SPREAD(load_real(numbers[i] + at));
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) {
      tile->sum[i][v] = fma(number, vectors[v], tile->sum[i][v]);
    }
  }
}

// The sum of TILE_COLUMNS neighboring numbers of `count` rows, `filters` apart.
static inline void sum_columns(const global real *rows, const size_t count, const int filters,
                               global accum *result) {
  accums sum[TILE_VECTORS];
#pragma unroll
  for (int v = 0; v < TILE_VECTORS; ++v) sum[v] = SPREAD(0);
  for (size_t row = 0; row < count; ++row) {
#pragma unroll
    for (int v = 0; v < TILE_VECTORS; ++v) sum[v] += load_reals(rows + v * WIDTH);
    rows += filters;
  }
#pragma unroll
  for (int v = 0; v < TILE_VECTORS; ++v) store_accums(sum[v], result + v * WIDTH);
}
