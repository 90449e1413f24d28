// Pointwise operations on flat arrays of `count` elements, in whatever layout all operands share.
//
//   pointwise_add           y = a + b            pointwise_scalar_multiply  y = s[0] x
//   pointwise_subtract      y = a - b            pointwise_scalar_add       y = x + s[0]
//   pointwise_multiply      y = a b              pointwise_fill             y = value
//   pointwise_scale         y = factor x         pointwise_broadcast        y = s[0]
//   pointwise_activate      y = phi(x)
//   pointwise_activation_gradient      dx = (dy + dy2) phi'(reference)
//
// Geometry: one work-item makes a vector of WIDTH elements. Tunables: WIDTH, LOCAL_SIZE. Shape class:
// ACTIVATION. The gradient's reference is phi(x) if slope_from_output is 1, else x; dy2 is read if
// has_second_addend is 1.
// Scalars s are accum [1]. Error: one rounding of the stored type beyond the arithmetic's.
// Deterministic.
// uses: common/line.cl common/activation.cl

// Stores an expression of `at`, the first element of this work-item's vector, and `left`, how many
// elements the array has from there.
#define STORE(y, count, expression)                     \
  do {                                                  \
    const size_t at = (size_t)get_global_id(0) * WIDTH; \
    if (at < (size_t)(count)) {                         \
      const size_t left = (size_t)(count)-at;           \
      store_some(expression, (y) + at, left);           \
    }                                                   \
  } while (0)

LINE_KERNEL void pointwise_add(const global real *restrict a, const global real *restrict b,
                               global real *restrict y, const uint count) {
  STORE(y, count, load_some(a + at, left) + load_some(b + at, left));
}

LINE_KERNEL void pointwise_subtract(const global real *restrict a, const global real *restrict b,
                                    global real *restrict y, const uint count) {
  STORE(y, count, load_some(a + at, left) - load_some(b + at, left));
}

LINE_KERNEL void pointwise_multiply(const global real *restrict a, const global real *restrict b,
                                    global real *restrict y, const uint count) {
  STORE(y, count, load_some(a + at, left) * load_some(b + at, left));
}

LINE_KERNEL void pointwise_scale(const global real *restrict x, global real *restrict y,
                                 const uint count, const accum factor) {
  STORE(y, count, load_some(x + at, left) * factor);
}

LINE_KERNEL void pointwise_scalar_multiply(const global real *restrict x,
                                           const global accum *restrict s, global real *restrict y,
                                           const uint count) {
  const accum factor = s[0];
  STORE(y, count, load_some(x + at, left) * factor);
}

LINE_KERNEL void pointwise_scalar_add(const global real *restrict x, const global accum *restrict s,
                                      global real *restrict y, const uint count) {
  const accum addend = s[0];
  STORE(y, count, load_some(x + at, left) + addend);
}

LINE_KERNEL void pointwise_fill(global real *restrict y, const uint count, const accum value) {
  STORE(y, count, SPREAD(value));
}

LINE_KERNEL void pointwise_broadcast(const global accum *restrict s, global real *restrict y,
                                     const uint count) {
  const accum value = s[0];
  STORE(y, count, SPREAD(value));
}

LINE_KERNEL void pointwise_activate(const global real *restrict x, global real *restrict y,
                                    const uint count) {
  STORE(y, count, activate(load_some(x + at, left)));
}

LINE_KERNEL void pointwise_activation_gradient(const global real *restrict dy,
                                               const global real *restrict dy2,
                                               const global real *restrict reference,
                                               global real *restrict dx, const uint count,
                                               const int has_second_addend,
                                               const int slope_from_output) {
  const size_t at = (size_t)get_global_id(0) * WIDTH;
  if (at >= count) return;
  const size_t left = count - at;
  accums gradient = load_some(dy + at, left);
  if (has_second_addend) gradient += load_some(dy2 + at, left);
  const accums known = load_some(reference + at, left);
  const accums slope =
      slope_from_output ? activation_slope_from_output(known) : activation_slope(known);
  store_some(gradient * slope, dx + at, left);
}
