// Sums over the rows of a group's grid in a fixed order: a binary tree, so that the same input gives the
// same bits. A grid's columns are vectors of channels, its rows share the rows of an array.
// uses: common/grid.cl common/real.cl

// The first channel of this item's vector.
static inline int first_channel(const Grid grid) { return global_column(grid) * WIDTH; }

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
