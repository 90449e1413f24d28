// The same tensor of four axes in another order of axes in memory.
//
//   y[i0, i1, i2, i3] (packed, extents e0..e3) = x[i0 s0 + i1 s1 + i2 s2 + i3 s3]
//
// Layouts are changed where the graph's own order (NCHW, [K, C, R, S]) meets the kernels'
// ([N, H, W, C], [R, S, C, K]). ELEMENT_BYTES is 1, 2, 4 or 8: elements are moved, not computed
// with. Geometry: axis 1 counts pairs (i0, i1), axis 0 the elements of a pair, one an item.
// Tunable: LOCAL_SIZE. Deterministic.
// uses: common/line.cl

#ifndef ELEMENT_BYTES
#define ELEMENT_BYTES 4
#endif

#if ELEMENT_BYTES == 1
typedef uchar element;
#elif ELEMENT_BYTES == 2
typedef ushort element;
#elif ELEMENT_BYTES == 4
typedef uint element;
#elif ELEMENT_BYTES == 8
typedef ulong element;
#else
#error "elements have 1, 2, 4 or 8 bytes"
#endif

LINE_KERNEL void permute_axes(const global element *restrict x, global element *restrict y,
                              const uint e1, const uint e2, const uint e3, const uint s0,
                              const uint s1, const uint s2, const uint s3) {
  const uint pair = get_global_id(1);
  const uint count = e2 * e3;
  const global element *from = x + (size_t)(pair / e1) * s0 + (size_t)(pair % e1) * s1;
  global element *to = y + (size_t)pair * count;
  const uint at = get_global_id(0);
  if (at < count) to[at] = from[(size_t)(at / e3) * s2 + (size_t)(at % e3) * s3];
}
