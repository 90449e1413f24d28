// Pointwise operations on flat arrays of `count` elements, in whatever layout all operands share.
//
//   pointwise_add           y = a + b            pointwise_scalar_multiply  y = s[0] x
//   pointwise_subtract      y = a - b            pointwise_scalar_add       y = x + s[0]
//   pointwise_multiply      y = a b              pointwise_fill             y = value
//   pointwise_scale         y = factor x         pointwise_broadcast        y = s[0]
//   pointwise_activate      y = phi(x)
//   pointwise_activation_gradient      dx = (dy + dy2) phi'(reference)
//
// Geometry: one work-item makes ITEM_VECTORS vectors of WIDTH elements, LOCAL_SIZE items apart.
// Tunables: WIDTH, LOCAL_SIZE, ITEM_VECTORS. Shape class: ACTIVATION. The gradient's reference is
// phi(x) where slope_from_output is 1, else x; dy2 is read where has_second_addend is 1.
// Scalars s are accum [1]. Error: one rounding of the stored type beyond the arithmetic's.
// Deterministic.
// uses: common/line.cl common/activation.cl

#ifndef ITEM_VECTORS
#define ITEM_VECTORS 1
#endif
#if LOCAL_SIZE < 1 || ITEM_VECTORS < 1
#error "sizes are positive"
#endif

// Runs a statement for each vector of this work-item; `at` is its first element.
#define FOR_EACH_VECTOR(count)                                                                   \
  size_t at = ((size_t)get_group_id(0) * (LOCAL_SIZE * ITEM_VECTORS) + get_local_id(0)) * WIDTH; \
  for (int item = 0; item < ITEM_VECTORS && at < (size_t)(count);                                \
       ++item, at += (size_t)LOCAL_SIZE * WIDTH)
// Stores an expression of `at` and `left` for each of these vectors; `left` is how many elements the
// array still has from there.
#define STORE_EACH(y, count, expression)    \
  FOR_EACH_VECTOR(count) {                  \
    const size_t left = (size_t)(count)-at; \
    store_some(expression, (y) + at, left); \
  }

LINE_KERNEL void pointwise_add(const global real *restrict a, const global real *restrict b,
                               global real *restrict y, const uint count){
    STORE_EACH(y, count, load_some(a + at, left) + load_some(b + at, left))}

LINE_KERNEL void pointwise_subtract(const global real *restrict a, const global real *restrict b,
                                    global real *restrict y, const uint count){
    STORE_EACH(y, count, load_some(a + at, left) - load_some(b + at, left))}

LINE_KERNEL void pointwise_multiply(const global real *restrict a, const global real *restrict b,
                                    global real *restrict y, const uint count){
    STORE_EACH(y, count, load_some(a + at, left) * load_some(b + at, left))}

LINE_KERNEL
    void pointwise_scale(const global real *restrict x, global real *restrict y, const uint count,
                         const accum factor){STORE_EACH(y, count, load_some(x + at, left) * factor)}

LINE_KERNEL
    void pointwise_scalar_multiply(const global real *restrict x, const global accum *restrict s,
                                   global real *restrict y, const uint count) {
  const accum factor = s[0];
  STORE_EACH(y, count, load_some(x + at, left) * factor)
}

LINE_KERNEL void pointwise_scalar_add(const global real *restrict x, const global accum *restrict s,
                                      global real *restrict y, const uint count) {
  const accum addend = s[0];
  STORE_EACH(y, count, load_some(x + at, left) + addend)
}

LINE_KERNEL void pointwise_fill(global real *restrict y, const uint count,
                                const accum value){STORE_EACH(y, count, SPREAD(value))}

LINE_KERNEL void pointwise_broadcast(const global accum *restrict s, global real *restrict y,
                                     const uint count) {
  const accum value = s[0];
  STORE_EACH(y, count, SPREAD(value))
}

LINE_KERNEL void pointwise_activate(const global real *restrict x, global real *restrict y,
                                    const uint count){
    STORE_EACH(y, count, activate(load_some(x + at, left)))}

LINE_KERNEL
    void pointwise_activation_gradient(const global real *restrict dy,
                                       const global real *restrict dy2,
                                       const global real *restrict reference,
                                       global real *restrict dx, const uint count,
                                       const int has_second_addend, const int slope_from_output) {
  FOR_EACH_VECTOR(count) {
    const size_t left = (size_t)count - at;
    accums gradient = load_some(dy + at, left);
    if (has_second_addend) gradient += load_some(dy2 + at, left);
    const accums known = load_some(reference + at, left);
    const accums slope =
        slope_from_output ? activation_slope_from_output(known) : activation_slope(known);
    store_some(gradient * slope, dx + at, left);
  }
}
