// Sums over flat arrays, in two stages with a fixed order.
//
//   reduction_sum          partial[g] = sum of x over the g-th chunk
//   reduction_dot          partial[g] = sum of x y over the g-th chunk
//   reduction_squares      partial[2 (first + g)] and the next = sums of x^2 over the chunk table[g]
//   reduction_partials     y[0] = sum of the partials
//   reduction_norm         y[0] = root of the sum of the squares that 2 count partials hold
//
// Geometry: one group a chunk of `chunk` elements (the last is shorter); the last two are one
// group. table[g] = (place in the slab x, elements). Tunables: WIDTH, LOCAL_SIZE.
// Accumulator: accum; error about eps * (chunk / group size + log2 of the rest). Deterministic.
// uses: common/squares.cl common/tree.cl

// The sum over this group of all vectors of first..<first + count; `next` is `lanes` with that at `at`.
#define GROUP_SUM(total, first, count, next)                              \
  accums lanes = SPREAD(0);                                               \
  for (size_t at = (size_t)get_local_id(0) * WIDTH; at < (size_t)(count); \
       at += (size_t)LOCAL_SIZE * WIDTH) {                                \
    const size_t left = (size_t)(count)-at;                               \
    const size_t place = (size_t)(first) + at;                            \
    lanes = next;                                                         \
  }                                                                       \
  const accum total = sum_of_lanes(sum_over_rows(lanes, grid_of(1), tree));

LINE_KERNEL void reduction_sum(const global real *restrict x, global accum *restrict partial,
                               const uint count, const uint chunk) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  const size_t first = get_group_id(0) * (size_t)chunk;
  const size_t mine = min((size_t)chunk, (size_t)count - first);
  GROUP_SUM(total, first, mine, lanes + load_some(x + place, left))
  if (get_local_id(0) == 0) partial[get_group_id(0)] = total;
}

LINE_KERNEL void reduction_dot(const global real *restrict x, const global real *restrict y,
                               global accum *restrict partial, const uint count, const uint chunk) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  const size_t first = get_group_id(0) * (size_t)chunk;
  const size_t mine = min((size_t)chunk, (size_t)count - first);
  GROUP_SUM(total, first, mine, fma(load_some(x + place, left), load_some(y + place, left), lanes))
  if (get_local_id(0) == 0) partial[get_group_id(0)] = total;
}

LINE_KERNEL void reduction_squares(const global real *restrict x,
                                   const global uint2 *restrict table,
                                   global accum *restrict partial, const uint first_partial) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  const uint2 entry = table[get_group_id(0)];
  accums usual = SPREAD(0), large = SPREAD(0);
  for (size_t at = (size_t)get_local_id(0) * WIDTH; at < (size_t)entry.y;
       at += (size_t)LOCAL_SIZE * WIDTH) {
    add_squares(load_some(x + TABLE_PLACE(entry.x) + at, (size_t)entry.y - at), &usual, &large);
  }
  const accum usual_sum = sum_of_lanes(sum_over_rows(usual, grid_of(1), tree));
  const accum large_sum = sum_of_lanes(sum_over_rows(large, grid_of(1), tree));
  if (get_local_id(0) == 0) {
    global accum *sums = partial + 2 * ((size_t)first_partial + get_group_id(0));
    sums[0] = usual_sum;
    sums[1] = large_sum;
  }
}

// The sum of a number of each item. Lane 0 carries it, so that one tree serves every width.
INLINE accum sum_over_group(const accum own, local accums *tree) {
  accum lanes[WIDTH];
  for (int i = 0; i < WIDTH; ++i) lanes[i] = i == 0 ? own : (accum)0;
  return sum_of_lanes(sum_over_rows(LANES_TO_VECTOR(lanes), grid_of(1), tree));
}

LINE_KERNEL void reduction_partials(const global accum *restrict partial, global accum *restrict y,
                                    const uint count) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  accum own = 0;
  for (uint i = get_local_id(0); i < count; i += LOCAL_SIZE) own += partial[i];
  const accum total = sum_over_group(own, tree);
  if (get_local_id(0) == 0) y[0] = total;
}

LINE_KERNEL void reduction_norm(const global accum *restrict partial, global accum *restrict y,
                                const uint count) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  accum usual = 0, large = 0;
  for (uint i = get_local_id(0); i < count; i += LOCAL_SIZE) {
    usual += partial[2 * (size_t)i];
    large += partial[2 * (size_t)i + 1];
  }
  const accum usual_sum = sum_over_group(usual, tree);
  const accum large_sum = sum_over_group(large, tree);
  if (get_local_id(0) == 0) y[0] = root_of_squares(usual_sum, large_sum);
}
