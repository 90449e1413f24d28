// Sums over a work-group in a fixed order: a binary tree, so that the same input gives the same
// bits.
//
// The group's work-items are LOCAL_VECTORS columns by LOCAL_ROWS rows, item number
// row * LOCAL_VECTORS + column; the tree runs over the rows, and column sums arrive in every row.
// Tunables: LOCAL_VECTORS; LOCAL_ROWS, a power of two.
// uses: common/real.cl

#ifndef LOCAL_VECTORS
#define LOCAL_VECTORS 1
#endif
#ifndef LOCAL_ROWS
#define LOCAL_ROWS 1
#endif
#if LOCAL_VECTORS < 1 || LOCAL_ROWS < 1 || (LOCAL_ROWS & (LOCAL_ROWS - 1))
#error "LOCAL_VECTORS is positive and LOCAL_ROWS a power of two"
#endif

#define LOCAL_ITEMS (LOCAL_VECTORS * LOCAL_ROWS)
#define REDUCTION_KERNEL kernel __attribute__((reqd_work_group_size(LOCAL_VECTORS, LOCAL_ROWS, 1)))

// Runs a statement for each of the item_rows rows of this work-item.
#define FOR_EACH_ROW(rows)                                                \
  int row = get_group_id(1) * (LOCAL_ROWS * item_rows) + get_local_id(1); \
  for (int item = 0; item < item_rows && row < rows; ++item, row += LOCAL_ROWS)

// `tree` has LOCAL_ITEMS places; it may be used again after the call returns.
INLINE accums sum_over_rows(const accums value, local accums *tree) {
#if LOCAL_ROWS == 1
  return value;
#else
  const int row = get_local_id(1);
  const int item = row * LOCAL_VECTORS + (int)get_local_id(0);
  tree[item] = value;
  for (int half_rows = LOCAL_ROWS / 2; half_rows > 0; half_rows /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (row < half_rows) tree[item] += tree[item + half_rows * LOCAL_VECTORS];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const accums total = tree[get_local_id(0)];
  barrier(CLK_LOCAL_MEM_FENCE);
  return total;
#endif
}
