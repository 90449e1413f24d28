// Sums over flat arrays, in two stages with a fixed order.
//
//   reduction_sum          partial[g] = sum of x over the g-th chunk
//   reduction_dot          partial[g] = sum of x y over the g-th chunk
//   reduction_squares      partial[first + g] = sum of x^2 over the chunk table[g]
//   reduction_partials     y[0] = factor * sum of the partials
//
// Geometry: one group a chunk of `chunk` elements (the last is shorter); reduction_partials is one
// group. table[g] = (place in the slab x, elements). LOCAL_VECTORS is 1 here.
// Accumulator: accum; error about eps * (chunk / group size + log2 of the rest). Deterministic.
// uses: common/tree.cl

#if LOCAL_VECTORS != 1
#error "flat reductions have groups of one column"
#endif

// The sum over this group of f(vector at `at`) for all vectors of first..<first + count.
#define GROUP_SUM(total, first, count, expression)                        \
  accums lanes = SPREAD(0);                                               \
  for (size_t at = (size_t)get_local_id(1) * WIDTH; at < (size_t)(count); \
       at += (size_t)LOCAL_ROWS * WIDTH) {                                \
    const size_t left = (size_t)(count)-at;                               \
    const size_t place = (size_t)(first) + at;                            \
    lanes += expression;                                                  \
  }                                                                       \
  const accum total = sum_of_lanes(sum_over_rows(lanes, tree));

REDUCTION_KERNEL void reduction_sum(const global real *restrict x, global accum *restrict partial,
                                    const uint count, const uint chunk) {
  local accums tree[LOCAL_ITEMS];
  const size_t first = get_group_id(1) * (size_t)chunk;
  const size_t mine = min((size_t)chunk, (size_t)count - first);
  GROUP_SUM(total, first, mine, load_some(x + place, left))
  if (get_local_id(1) == 0) partial[get_group_id(1)] = total;
}

REDUCTION_KERNEL void reduction_dot(const global real *restrict x, const global real *restrict y,
                                    global accum *restrict partial, const uint count,
                                    const uint chunk) {
  local accums tree[LOCAL_ITEMS];
  const size_t first = get_group_id(1) * (size_t)chunk;
  const size_t mine = min((size_t)chunk, (size_t)count - first);
  GROUP_SUM(total, first, mine, load_some(x + place, left) * load_some(y + place, left))
  if (get_local_id(1) == 0) partial[get_group_id(1)] = total;
}

static inline accums squared(const accums x) { return x * x; }

REDUCTION_KERNEL void reduction_squares(const global real *restrict x,
                                        const global uint2 *restrict table,
                                        global accum *restrict partial, const uint first_partial) {
  local accums tree[LOCAL_ITEMS];
  const uint2 entry = table[get_group_id(1)];
  GROUP_SUM(total, TABLE_PLACE(entry.x), entry.y, squared(load_some(x + place, left)))
  if (get_local_id(1) == 0) partial[first_partial + get_group_id(1)] = total;
}

REDUCTION_KERNEL void reduction_partials(const global accum *restrict partial,
                                         global accum *restrict y, const uint count,
                                         const accum factor) {
  local accums tree[LOCAL_ITEMS];
  accum own = 0;
  for (uint i = get_local_id(1); i < count; i += LOCAL_ROWS) own += partial[i];
  // Lane 0 carries the sum, so that one tree serves every width.
  accum lanes[WIDTH];
  for (int i = 0; i < WIDTH; ++i) lanes[i] = i == 0 ? own : (accum)0;
  const accum total = sum_of_lanes(sum_over_rows(LANES_TO_VECTOR(lanes), tree));
  if (get_local_id(1) == 0) y[0] = factor * total;
}
