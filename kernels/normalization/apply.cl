// Batch Normalization of x [rows, channels] with statistics that are known, and its gradients.
//
//   xhat = (x - mean) / sqrt(variance + epsilon)
//   normalization_apply            y = phi(scale xhat + shift + residual)
//   normalization_gradient_sums    with g = dy phi'(scale xhat + shift), for the b-th block of rows:
//                                  partial[b, 0, c] = sum of g, partial[b, 1, c] = sum of g xhat
//   normalization_input_gradient   dx = scale / sqrt(variance + epsilon)
//                                       (g - dshift / rows - xhat dscale / rows)
//   normalization_frozen_gradient  dx = dy scale / sqrt(variance + epsilon)
//
// reduction_channel_pairs adds up the blocks.
//
// Geometry: one item makes item_rows rows of one vector of WIDTH channels (axis 0 vectors, axis 1
// blocks of rows); normalization_gradient_sums as reduction_channels. Assumes WIDTH divides
// channels. Shape class: ACTIVATION, HAS_RESIDUAL. Per-channel vectors are accum [channels].
// Deterministic. After common/real.cl, common/activation.cl, common/tree.cl.

#define FOR_EACH_ROW(rows)                                                \
  int row = get_group_id(1) * (LOCAL_ROWS * item_rows) + get_local_id(1); \
  for (int item = 0; item < item_rows && row < rows; ++item, row += LOCAL_ROWS)

REDUCTION_KERNEL void normalization_apply(
    const global real *restrict x, const global accum *restrict scale,
    const global accum *restrict shift, const global accum *restrict mean,
    const global accum *restrict variance, const global real *restrict residual,
    global real *restrict y, const int rows, const int channels, const accum epsilon,
    const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const accums center = load_accums(mean + c);
  const accums factor = load_accums(scale + c) / sqrt(load_accums(variance + c) + epsilon);
  const accums offset = load_accums(shift + c);
  FOR_EACH_ROW(rows) {
    const size_t at = (size_t)row * channels + c;
    accums value = fma(load_reals(x + at) - center, factor, offset);
#if HAS_RESIDUAL
    value += load_reals(residual + at);
#endif
    store_reals(activate(value), y + at);
  }
}

// g of the formulas above.
static inline accums inner_gradient(const accums dy, const accums normalized, const accums scale,
                                    const accums shift) {
#if ACTIVATION == ACTIVATION_LINEAR
  return dy;
#else
  return dy * activation_slope(fma(normalized, scale, shift));
#endif
}

REDUCTION_KERNEL void normalization_gradient_sums(
    const global real *restrict dy, const global real *restrict x,
    const global accum *restrict scale, const global accum *restrict shift,
    const global accum *restrict mean, const global accum *restrict variance,
    global accum *restrict partial, const int rows, const int channels, const int block_rows,
    const accum epsilon) {
  local accums tree[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int first = get_group_id(1) * block_rows;
  const int end = c < channels ? min(first + block_rows, rows) : 0;
  accums sum = SPREAD(0);
  accums product = SPREAD(0);
  if (c < channels) {
    const accums center = load_accums(mean + c);
    const accums inverse = SPREAD(1) / sqrt(load_accums(variance + c) + epsilon);
    const accums factor = load_accums(scale + c);
    const accums offset = load_accums(shift + c);
    for (int row = first + get_local_id(1); row < end; row += LOCAL_ROWS) {
      const size_t at = (size_t)row * channels + c;
      const accums normalized = (load_reals(x + at) - center) * inverse;
      const accums g = inner_gradient(load_reals(dy + at), normalized, factor, offset);
      sum += g;
      product = fma(g, normalized, product);
    }
  }
  sum = sum_over_rows(sum, tree);
  product = sum_over_rows(product, tree);
  if (get_local_id(1) == 0 && c < channels) {
    global accum *mine = partial + (size_t)get_group_id(1) * 2 * channels + c;
    store_accums(sum, mine);
    store_accums(product, mine + channels);
  }
}

REDUCTION_KERNEL void normalization_input_gradient(
    const global real *restrict dy, const global real *restrict x,
    const global accum *restrict scale, const global accum *restrict shift,
    const global accum *restrict mean, const global accum *restrict variance,
    const global accum *restrict dshift, const global accum *restrict dscale,
    global real *restrict dx, const int rows, const int channels, const accum epsilon,
    const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const accums center = load_accums(mean + c);
  const accums inverse = SPREAD(1) / sqrt(load_accums(variance + c) + epsilon);
  const accums factor = load_accums(scale + c);
  const accums offset = load_accums(shift + c);
  const accums mean_gradient = load_accums(dshift + c) / (accum)rows;
  const accums slope = load_accums(dscale + c) / (accum)rows;
  FOR_EACH_ROW(rows) {
    const size_t at = (size_t)row * channels + c;
    const accums normalized = (load_reals(x + at) - center) * inverse;
    const accums g = inner_gradient(load_reals(dy + at), normalized, factor, offset);
    store_reals((g - mean_gradient - normalized * slope) * (factor * inverse), dx + at);
  }
}

REDUCTION_KERNEL void normalization_frozen_gradient(const global real *restrict dy,
                                                    const global accum *restrict scale,
                                                    const global accum *restrict variance,
                                                    global real *restrict dx, const int rows,
                                                    const int channels, const accum epsilon,
                                                    const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const accums factor = load_accums(scale + c) / sqrt(load_accums(variance + c) + epsilon);
  FOR_EACH_ROW(rows) {
    const size_t at = (size_t)row * channels + c;
    store_reals(load_reals(dy + at) * factor, dx + at);
  }
}
