// Adaptive gradient clipping of the units of many parameters in one launch (IsometryGraph's AdaptiveClip):
//
//   adaptive_clip   y = g min(1, limit / (s |g|)), limit = clip max(|p|, epsilon), s = scale[0]
//
// |.| is the norm of a unit: a column of a convolution's weight [R S C, K], a row of a dense weight, or a
// whole vector. A unit's elements lie `stride` apart; a group takes up to `columns` neighboring units.
//
// Parameters, gradients and results lie in slabs (perhaps the same memory). Table rows of 8 uint say
// where, the first three in units of TABLE_UNIT elements from the slab's beginning:
//   0 parameter  1 gradient  2 result  3 first element  4 elements of a unit  5 stride  6 units
//   7 columns of the grid, a power of two, at least the units
// A row covers some units of one parameter (IsometryLowering/Operations/AdaptiveClip.swift makes them).
//
// Geometry: one group a row of the table; items take elements of a unit in turn. Tunable: LOCAL_SIZE.
// Accumulator: accum; error about eps * (elements / rows of the grid + log2 of the rest). Deterministic.
// uses: common/line.cl common/squares.cl common/tree.cl

#if WIDTH != 1
#error "WIDTH is 1: an item of the grid has one unit"
#endif

LINE_KERNEL void adaptive_clip(const global real *parameters, const global real *gradients,
                               global real *results, const global uint *restrict table,
                               const global accum *restrict scale, const accum clip,
                               const accum epsilon) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  const global uint *entry = table + (size_t)get_group_id(0) * 8;
  const Grid grid = grid_of(entry[7]);
  const size_t first = (size_t)entry[3] + grid.column;
  const global real *parameter = parameters + TABLE_PLACE(entry[0]) + first;
  const global real *gradient = gradients + TABLE_PLACE(entry[1]) + first;
  global real *result = results + TABLE_PLACE(entry[2]) + first;
  const size_t end = grid.column < (int)entry[6] ? (size_t)entry[4] * entry[5] : 0;
  const size_t begin = (size_t)grid.row * entry[5];
  const size_t step = (size_t)grid.rows * entry[5];
  accum own_p = 0;
  accum own_g = 0;
  accum own_large = 0;
  for (size_t at = begin; at < end; at += step) {
    const accum p = load_real(parameter + at);
    const accum g = load_real(gradient + at);
    own_p = fma(p, p, own_p);
    add_squares(g, &own_g, &own_large);
  }
  const accum size = sqrt(sum_over_rows(own_p, grid, tree));
  const accum usual = sum_over_rows(own_g, grid, tree);
  const accum norm = scale[0] * root_of_squares(usual, sum_over_rows(own_large, grid, tree));
  // Comparisons that let NaN pass.
  const accum limit = clip * (size <= epsilon ? epsilon : size);
  const accum share = norm <= limit ? 1 : limit / norm;
  for (size_t at = begin; at < end; at += step) {
    store_real(load_real(gradient + at) * share, result + at);
  }
}
