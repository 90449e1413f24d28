// Scaled weight standardization of all weights of a step, and its gradient (IsometryGraph's
// WeightStandardization), for each unit of a weight:
//
//   weight_standardize           y = factor gain v / s, with v = w - mean(w), s = sqrt(sum of v^2 + epsilon)
//   weight_standardize_gradient  dgain = factor D / s with D = sum of dy v
//                                dw = factor gain / s (dy - mean(dy) - v D / s^2)
//
// Weights w, gains, and upstream gradients dy lie in slabs (perhaps the same memory), and are accum, as
// are dw and dgain. y is real. factors: accum, one for each weight. A row of the table is 12 uint:
//   0 weight  1 gain  2 y or dy  3 dw  4 dgain (all TABLE_PLACE; 3 and 4 of the gradient only)
//   5 number of the weight  6 first unit of the row  7 its units, a power of two  8 units of the weight
//   9 elements of a unit  10 step from one unit to the next  11 step from one element to the next
// All tensors of the shape of w have its steps.
//
// Geometry: one group a row of the table, a grid with a unit in each column (common/grid.cl). Items of a
// column take its elements in turn, and a tree sums them. Tunable: LOCAL_SIZE. Accumulator: accum; error
// about eps * (elements / grid rows + log2 of these). Deterministic.
// uses: common/line.cl common/tree.cl

#if WIDTH != 1
#error "WIDTH is 1: units may have any number of elements"
#endif

typedef struct {
  Grid grid;
  // Whether the column has a unit; else it only takes part in the sums.
  int exists;
  uint unit;
  // The place of the unit's first element in a tensor of the shape of the weight.
  size_t first;
} Unit;

static inline Unit unit_of(const global uint *entry) {
  Unit unit;
  unit.grid = grid_of((int)entry[7]);
  unit.unit = entry[6] + (uint)unit.grid.column;
  unit.exists = unit.unit < entry[8];
  unit.first = (size_t)unit.unit * entry[10];
  return unit;
}

#define TABLE_ENTRY const global uint *entry = table + (size_t)get_group_id(0) * 12;
#define FOR_EACH_ELEMENT_OF(unit)                                                     \
  for (size_t i = (unit).grid.row, at = i * entry[11]; (unit).exists && i < entry[9]; \
       i += (unit).grid.rows, at += (unit).grid.rows * (size_t)entry[11])

INLINE accum mean_of(const global accum *x, const Unit unit, const global uint *entry,
                     local accum *tree) {
  accum own = 0;
  FOR_EACH_ELEMENT_OF(unit) own += x[at];
  return sum_over_rows(own, unit.grid, tree) / (accum)entry[9];
}

LINE_KERNEL void weight_standardize(const global accum *weights, const global accum *gains,
                                    global real *results, const global uint *restrict table,
                                    const global accum *restrict factors, const accum epsilon) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  TABLE_ENTRY
  const Unit unit = unit_of(entry);
  const global accum *w = weights + TABLE_PLACE(entry[0]) + unit.first;
  const accum mean = mean_of(w, unit, entry, tree);
  accum own = 0;
  FOR_EACH_ELEMENT_OF(unit) {
    const accum v = w[at] - mean;
    own = fma(v, v, own);
  }
  const accum square = sum_over_rows(own, unit.grid, tree) + epsilon;
  if (!unit.exists) return;
  const accum scale = factors[entry[5]] * gains[TABLE_PLACE(entry[1]) + unit.unit] / sqrt(square);
  global real *y = results + TABLE_PLACE(entry[2]) + unit.first;
  FOR_EACH_ELEMENT_OF(unit) store_real((w[at] - mean) * scale, y + at);
}

LINE_KERNEL void weight_standardize_gradient(const global accum *weights, const global accum *gains,
                                             const global accum *upstream, global accum *results,
                                             const global uint *restrict table,
                                             const global accum *restrict factors,
                                             const accum epsilon) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  TABLE_ENTRY
  const Unit unit = unit_of(entry);
  const global accum *w = weights + TABLE_PLACE(entry[0]) + unit.first;
  const global accum *dy = upstream + TABLE_PLACE(entry[2]) + unit.first;
  const accum mean = mean_of(w, unit, entry, tree);
  const accum mean_dy = mean_of(dy, unit, entry, tree);
  accum squares = 0;
  accum products = 0;
  FOR_EACH_ELEMENT_OF(unit) {
    const accum v = w[at] - mean;
    squares = fma(v, v, squares);
    products = fma(v, dy[at], products);
  }
  const accum square = sum_over_rows(squares, unit.grid, tree) + epsilon;
  const accum product = sum_over_rows(products, unit.grid, tree);
  if (!unit.exists) return;
  const accum scale = factors[entry[5]] / sqrt(square);
  const accum scale_of_weight = scale * gains[TABLE_PLACE(entry[1]) + unit.unit];
  const accum slope = product / square;
  global accum *dw = results + TABLE_PLACE(entry[3]) + unit.first;
  FOR_EACH_ELEMENT_OF(unit) {
    dw[at] = fma(w[at] - mean, -slope, dy[at] - mean_dy) * scale_of_weight;
  }
  if (unit.grid.row == 0) results[TABLE_PLACE(entry[4]) + unit.unit] = scale * product;
}
