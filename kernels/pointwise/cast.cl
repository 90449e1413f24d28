// y = x rounded to another type, for flat arrays of `count` elements, from `source` to `real`.
//
// Geometry: one work-item makes WIDTH elements, one by one at the array's end. Tunables: WIDTH,
// LOCAL_SIZE. Deterministic.
// uses: common/line.cl common/source.cl

LINE_KERNEL void cast_elements(const global source *restrict x, global real *restrict y,
                               const uint count) {
  const size_t first = (size_t)get_global_id(0) * WIDTH;
  if (first + WIDTH <= count) {
    for (int i = 0; i < WIDTH; ++i) store_real(load_source(x + first + i), y + first + i);
  } else {
    for (size_t i = first; i < count; ++i) store_real(load_source(x + i), y + i);
  }
}
