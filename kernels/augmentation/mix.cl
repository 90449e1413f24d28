// Mixes decoded images in pairs, in place (IsometryGraph's ImageDecoding):
//
//   y[i] = share y[i] + (1 - share) y[images - 1 - i], share = mixing[0]
//
// y: real [images, length]; mixing: float [1].
//
// Geometry: an item makes one vector of WIDTH elements of both images of a pair (axis 0 vectors, axis 1
// pairs). Assumes WIDTH divides length (IsometryLowering/Operations/ImageDecoding.swift guarantees it).
// Tunables: WIDTH, LOCAL_SIZE. Deterministic.
// uses: common/line.cl common/real.cl

LINE_KERNEL void mix_images(global real *restrict y, const global float *restrict mixing,
                            const int images, const int length) {
  const size_t at = (size_t)get_global_id(0) * WIDTH;
  if (at >= (size_t)length) return;
  const int image = get_global_id(1);
  global real *const first = y + (size_t)image * length + at;
  global real *const second = y + (size_t)(images - 1 - image) * length + at;
  const accum share = mixing[0];
  const accum rest = 1 - share;
  const accums a = load_reals(first);
  const accums b = load_reals(second);
  store_reals(a * share + b * rest, first);
  store_reals(b * share + a * rest, second);
}
