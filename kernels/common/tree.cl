// Groups as grids of work-items: `columns` vectors of channels, a power of two, by rows of an array. Sums
// over the rows are a binary tree, so that the same input gives the same bits. Kernels take `columns` as
// an argument: one program serves all numbers of channels.
// uses: common/line.cl common/real.cl

#if LOCAL_SIZE & (LOCAL_SIZE - 1)
#error "LOCAL_SIZE is a power of two"
#endif

typedef struct {
  int columns;
  int rows;
  // This work-item's place.
  int column;
  int row;
} Grid;

static inline Grid grid_of(const int columns) {
  const int item = get_local_id(0);
  const Grid grid = {columns, LOCAL_SIZE / columns, item & (columns - 1), item / columns};
  return grid;
}

// The first channel of this item's vector; groups along axis 0 share out the channels.
static inline int first_channel(const Grid grid) {
  return ((int)get_group_id(0) * grid.columns + grid.column) * WIDTH;
}

// Runs a statement for each of the item_rows rows of this work-item; groups along axis 1 share out the
// rows.
#define FOR_EACH_ROW(grid, rows_of_array)                             \
  int row = get_group_id(1) * ((grid).rows * item_rows) + (grid).row; \
  for (int item = 0; item < item_rows && row < (rows_of_array); ++item, row += (grid).rows)

// The sum over the rows of the grid, in every item. `tree` has LOCAL_SIZE places; it may be used again
// after the call returns.
INLINE accums sum_over_rows(const accums value, const Grid grid, local accums *tree) {
  const int item = get_local_id(0);
  tree[item] = value;
  for (int half_rows = grid.rows / 2; half_rows > 0; half_rows /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (grid.row < half_rows) tree[item] += tree[item + half_rows * grid.columns];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const accums total = tree[grid.column];
  barrier(CLK_LOCAL_MEM_FENCE);
  return total;
}
