// Sums over flat arrays, in two stages with a fixed order.
//
//   reduction_sum          partial[g] = sum of x over the g-th chunk
//   reduction_dot          partial[g] = sum of x y over the g-th chunk
//   reduction_squares      partial[first + g] = sum of x^2 over the chunk table[g]
//   reduction_partials     y[0] = sum of the partials
//
// Geometry: one group a chunk of `chunk` elements (the last is shorter); reduction_partials is one
// group. table[g] = (place in the slab x, elements). Tunables: WIDTH, LOCAL_SIZE.
// Accumulator: accum; error about eps * (chunk / group size + log2 of the rest). Deterministic.
// uses: common/tree.cl

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
  local accums tree[LOCAL_SIZE];
  const size_t first = get_group_id(0) * (size_t)chunk;
  const size_t mine = min((size_t)chunk, (size_t)count - first);
  GROUP_SUM(total, first, mine, lanes + load_some(x + place, left))
  if (get_local_id(0) == 0) partial[get_group_id(0)] = total;
}

LINE_KERNEL void reduction_dot(const global real *restrict x, const global real *restrict y,
                               global accum *restrict partial, const uint count, const uint chunk) {
  local accums tree[LOCAL_SIZE];
  const size_t first = get_group_id(0) * (size_t)chunk;
  const size_t mine = min((size_t)chunk, (size_t)count - first);
  GROUP_SUM(total, first, mine, fma(load_some(x + place, left), load_some(y + place, left), lanes))
  if (get_local_id(0) == 0) partial[get_group_id(0)] = total;
}

static inline accums squared(const accums x) { return x * x; }

LINE_KERNEL void reduction_squares(const global real *restrict x,
                                   const global uint2 *restrict table,
                                   global accum *restrict partial, const uint first_partial) {
  local accums tree[LOCAL_SIZE];
  const uint2 entry = table[get_group_id(0)];
  GROUP_SUM(total, TABLE_PLACE(entry.x), entry.y, lanes + squared(load_some(x + place, left)))
  if (get_local_id(0) == 0) partial[first_partial + get_group_id(0)] = total;
}

LINE_KERNEL void reduction_partials(const global accum *restrict partial, global accum *restrict y,
                                    const uint count) {
  local accums tree[LOCAL_SIZE];
  accum own = 0;
  for (uint i = get_local_id(0); i < count; i += LOCAL_SIZE) own += partial[i];
  // Lane 0 carries the sum, so that one tree serves every width.
  accum lanes[WIDTH];
  for (int i = 0; i < WIDTH; ++i) lanes[i] = i == 0 ? own : (accum)0;
  const accum total = sum_of_lanes(sum_over_rows(LANES_TO_VECTOR(lanes), grid_of(1), tree));
  if (get_local_id(0) == 0) y[0] = total;
}
