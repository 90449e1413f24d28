// Batch Normalization of x [rows, channels] and its gradients.
//
//   xhat = (x - mean) / sqrt(variance + epsilon)
//   normalization_apply            y = phi(scale xhat + shift + residual)
//   normalization_factor           factor = scale / sqrt(variance + epsilon), for convolutions that
//                                  normalize the images that they load
//   normalization_gradient_sums    with g = dy phi'(scale xhat + shift), for the b-th span of rows:
//                                  partial[b, 0, c] = sum of g, partial[b, 1, c] = sum of g xhat
//   normalization_input_gradient   dx = scale / sqrt(variance + epsilon)
//                                       (g - dshift / rows - xhat dscale / rows)
//   normalization_frozen_gradient  dx = dy scale / sqrt(variance + epsilon)
//
// If MERGES_SPANS, each group of normalization_apply and normalization_factor first makes mean and
// variance of its channels from the spans' (normalization/statistics.cl), and each group of
// normalization_input_gradient dshift and dscale from the spans' sums. All groups do so in the same order,
// and those of the first rows store the results.
// Otherwise they are read. Spans' means m and squared deviations s of n rows each give
//
//   mean = m0 + sum of n (m - m0) / rows,   variance = sum of (s + n (m - mean)^2) / rows
//
// If IN_PLACE, dx of normalization_input_gradient may be dy's memory: an item reads its elements before
// it stores them (LaunchPlan.operandsInPlace asks that nobody reads dy later).
//
// Geometry: one item makes item_rows rows of one vector of WIDTH channels (axis 0 vectors, axis 1
// blocks of rows); normalization_gradient_sums as normalization_statistics. Assumes WIDTH divides
// channels (RowBlocks guarantees it, and that spans are few). Shape class: ACTIVATION, HAS_RESIDUAL,
// MERGES_SPANS, IN_PLACE. Per-channel vectors are accum [channels]; partial: accum [spans, 2,
// channels]. Deterministic.
// uses: common/activation.cl common/tree.cl

#ifndef MERGES_SPANS
#define MERGES_SPANS 0
#endif
#ifndef IN_PLACE
#define IN_PLACE 0
#endif

#if IN_PLACE
#define UNLESS_IN_PLACE
#else
#define UNLESS_IN_PLACE restrict
#endif

#if MERGES_SPANS

// Whether this item stores what all groups of its channels have made from the spans.
static inline int stores_merged(void) { return get_group_id(1) == 0 && get_local_id(1) == 0; }

static inline int span_count(const int rows, const int channels, const int span_rows, const int c) {
  return c < channels ? (rows + span_rows - 1) / span_rows : 0;
}

// The sum over the spans of partial[span, 0, c], in every item.
INLINE accums sum_over_spans(const global accum *partial, const int spans, const int channels,
                             const int c, local accums *tree) {
  accums sum = SPREAD(0);
  for (int span = get_local_id(1); span < spans; span += LOCAL_ROWS) {
    sum += load_accums(partial + (size_t)span * 2 * channels + c);
  }
  return sum_over_rows(sum, tree);
}

// Mean and variance of all rows from the spans', in every item.
INLINE void merge_statistics(const global accum *partial, const int rows, const int channels,
                             const int span_rows, const int c, local accums *tree, accums *mean,
                             accums *variance) {
  const int spans = span_count(rows, channels, span_rows, c);
  const accums first_mean = spans > 0 ? load_accums(partial + c) : SPREAD(0);
  accums sum = SPREAD(0);
  for (int span = get_local_id(1); span < spans; span += LOCAL_ROWS) {
    const accum count = (accum)min(span_rows, rows - span * span_rows);
    sum += (load_accums(partial + (size_t)span * 2 * channels + c) - first_mean) * count;
  }
  const accums distance = sum_over_rows(sum, tree) / (accum)rows;
  accums squares = SPREAD(0);
  for (int span = get_local_id(1); span < spans; span += LOCAL_ROWS) {
    const accum count = (accum)min(span_rows, rows - span * span_rows);
    const global accum *theirs = partial + (size_t)span * 2 * channels + c;
    const accums deviation = load_accums(theirs) - first_mean - distance;
    squares += load_accums(theirs + channels) + deviation * deviation * count;
  }
  *mean = first_mean + distance;
  *variance = sum_over_rows(squares, tree) / (accum)rows;
}

#endif

REDUCTION_KERNEL void normalization_factor(
    const global accum *restrict partial, const global accum *restrict scale,
    global accum *restrict mean, global accum *restrict variance, global accum *restrict factor,
    const int rows, const int channels, const int span_rows, const accum epsilon) {
  const int c = get_global_id(0) * WIDTH;
#if MERGES_SPANS
  local accums tree[LOCAL_ITEMS];
  accums center, spread;
  merge_statistics(partial, rows, channels, span_rows, c, tree, &center, &spread);
  if (c >= channels || !stores_merged()) return;
  store_accums(center, mean + c);
  store_accums(spread, variance + c);
#else
  if (c >= channels || get_local_id(1) != 0) return;
  const accums spread = load_accums(variance + c);
#endif
  store_accums(load_accums(scale + c) / sqrt(spread + epsilon), factor + c);
}

REDUCTION_KERNEL void normalization_apply(
    const global real *restrict x, const global accum *restrict scale,
    const global accum *restrict shift, const global accum *restrict partial,
    global accum *restrict mean, global accum *restrict variance,
    const global real *restrict residual, global real *restrict y, const int rows,
    const int channels, const int span_rows, const accum epsilon, const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
#if MERGES_SPANS
  local accums tree[LOCAL_ITEMS];
  accums center, spread;
  merge_statistics(partial, rows, channels, span_rows, c, tree, &center, &spread);
  if (c >= channels) return;
  if (stores_merged()) {
    store_accums(center, mean + c);
    store_accums(spread, variance + c);
  }
#else
  if (c >= channels) return;
  const accums center = load_accums(mean + c);
  const accums spread = load_accums(variance + c);
#endif
  const accums factor = load_accums(scale + c) / sqrt(spread + epsilon);
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
    global accum *restrict partial, const int rows, const int channels, const int span_rows,
    const accum epsilon) {
  local accums tree[LOCAL_ITEMS];
  const int c = get_global_id(0) * WIDTH;
  const int first = get_group_id(1) * span_rows;
  const int end = c < channels ? min(first + span_rows, rows) : 0;
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
    const global real *UNLESS_IN_PLACE dy, const global real *restrict x,
    const global accum *restrict scale, const global accum *restrict shift,
    const global accum *restrict mean, const global accum *restrict variance,
    const global accum *restrict partial, global accum *restrict dshift,
    global accum *restrict dscale, global real *UNLESS_IN_PLACE dx, const int rows,
    const int channels, const int span_rows, const accum epsilon, const int item_rows) {
  const int c = get_global_id(0) * WIDTH;
#if MERGES_SPANS
  local accums tree[LOCAL_ITEMS];
  const int spans = span_count(rows, channels, span_rows, c);
  const accums sum = sum_over_spans(partial, spans, channels, c, tree);
  const accums product = sum_over_spans(partial + channels, spans, channels, c, tree);
  if (c >= channels) return;
  if (stores_merged()) {
    store_accums(sum, dshift + c);
    store_accums(product, dscale + c);
  }
#else
  if (c >= channels) return;
  const accums sum = load_accums(dshift + c);
  const accums product = load_accums(dscale + c);
#endif
  const accums center = load_accums(mean + c);
  const accums inverse = SPREAD(1) / sqrt(load_accums(variance + c) + epsilon);
  const accums factor = load_accums(scale + c);
  const accums offset = load_accums(shift + c);
  const accums mean_gradient = sum / (accum)rows;
  const accums slope = product / (accum)rows;
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
