// What becomes of WIDTH neighboring sums before they are stored.
//
//   store_product    y = phi(sums + bias + residual), of products and convolutions
//   store_gradient   x = (sums + addend) phi'(reference), of input gradients, where reference is phi's
//                    argument or, if SLOPE_FROM_OUTPUT, its value
//
// `terms` says which of them a launch has, so that one program serves launches that differ in them. Pointers
// are to the first of the WIDTH elements; those of absent terms are not read.
// residual and y are RESULT: accum if RESULT_IS_ACCUM is 1 (weight gradients of 16-bit operands),
// else real. With HAS_STATISTICS a convolution's kernel also finds mean and squared deviations of each
// channel of y, as it is stored. Shape class: ACTIVATION, RESULT_IS_ACCUM, SLOPE_FROM_OUTPUT,
// HAS_STATISTICS.
// uses: common/activation.cl

#ifndef RESULT_IS_ACCUM
#define RESULT_IS_ACCUM 0
#endif
#ifndef HAS_STATISTICS
#define HAS_STATISTICS 0
#endif
#ifndef SLOPE_FROM_OUTPUT
#define SLOPE_FROM_OUTPUT 0
#endif

#if RESULT_IS_ACCUM
#define RESULT accum
#define LOAD_RESULT load_accums
#define STORE_RESULT store_accums
#else
#define RESULT real
#define LOAD_RESULT load_reals
#define STORE_RESULT store_reals
#endif

static inline void store_product(const accums sums, const int terms, const global accum *bias,
                                 const global RESULT *residual, global RESULT *y) {
  accums value = sums;
  if (terms & TERM_BIAS) value += load_accums(bias);
  if (terms & TERM_RESIDUAL) value += LOAD_RESULT(residual);
  if (terms & TERM_ACTIVATION) value = activate(value);
  STORE_RESULT(value, y);
}

static inline void store_gradient(const accums sums, const int terms, const global real *addend,
                                  const global real *reference, global real *x) {
  accums value = sums;
  if (terms & TERM_RESIDUAL) value += load_reals(addend);
  if (terms & TERM_ACTIVATION) {
#if SLOPE_FROM_OUTPUT
    value *= activation_slope_from_output(load_reals(reference));
#else
    value *= activation_slope(load_reals(reference));
#endif
  }
  store_reals(value, x);
}
