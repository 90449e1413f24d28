// Groups of LOCAL_SIZE work-items as grids: `columns` items side by side, a power of two, by rows. Kernels
// take `columns` as an argument, so that one program serves results of all widths.
// uses: common/line.cl

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

// This work-item's column and row in the grid of all groups.
static inline int global_column(const Grid grid) {
  return (int)get_group_id(0) * grid.columns + grid.column;
}
static inline int global_row(const Grid grid) {
  return (int)get_group_id(1) * grid.rows + grid.row;
}
