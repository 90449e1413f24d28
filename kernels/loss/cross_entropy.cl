// Softmax cross-entropy with label smoothing, its accuracy and its gradient, in one launch.
//
//   target = (1 - smoothing) onehot(label) + smoothing / classes
//   loss[0] = -1/rows * sum over rows of target . log softmax(logits)
//   correct[0] = how many rows have their first largest logit at the label
//   gradient = (softmax(logits) - target) / rows
//
// If MIXES, a row has the share mixing[0] in its own label's loss and gradient, and the rest in those
// of the label of row rows - 1 - row. `correct` counts the own label.
//
// Labels that are no class (negative, as a rule) count for neither and contribute 0 to the gradient.
// logits, gradient: real [rows, classes], or accum if HAS_NARROW, where `narrow` is the gradient again
// as real; labels: int [rows]; mixing: float [1], unread unless MIXES; loss, correct: accum [1].
//
// Geometry: one group; its items take rows in turn, and a tree sums the items. WIDTH is 1.
// Shape classes: HAS_NARROW, MIXES. Accumulator: accum. Deterministic.
// uses: common/tree.cl

#if WIDTH != 1
#error "the loss works on single elements"
#endif

#ifndef HAS_NARROW
#define HAS_NARROW 0
#endif

#ifndef MIXES
#define MIXES 0
#endif
#define LABELS_OF_ROW (1 + MIXES)

#if HAS_NARROW
typedef accum logit;
static inline accum load_logit(const global logit *p) { return *p; }
#else
typedef real logit;
static inline accum load_logit(const global logit *p) { return load_real(p); }
#endif

static inline void store_slope(const accum value, global logit *gradient, global real *narrow) {
#if HAS_NARROW
  *gradient = value;
  store_real(value, narrow);
#else
  store_real(value, gradient);
#endif
}

LINE_KERNEL void softmax_cross_entropy(const global logit *restrict logits,
                                       const global int *restrict labels,
                                       const global float *restrict mixing,
                                       global accum *restrict loss, global accum *restrict correct,
                                       global logit *restrict gradient,
                                       global real *restrict narrow, const int rows,
                                       const int classes, const accum smoothing) {
  LOCAL_ARRAY accums tree[LOCAL_SIZE];
  accum loss_sum = 0;
  accum correct_sum = 0;
  const accum everywhere = smoothing / (accum)classes;
  for (int row = get_local_id(0); row < rows; row += LOCAL_SIZE) {
    const global logit *z = logits + (size_t)row * classes;
    global logit *dz = gradient + (size_t)row * classes;
    global real *narrow_dz = narrow + (size_t)row * classes;
    // Each label's part in the target.
    int label[LABELS_OF_ROW];
    accum part[LABELS_OF_ROW];
    label[0] = labels[row];
    part[0] = 1;
#if MIXES
    label[1] = labels[rows - 1 - row];
    part[0] = mixing[0];
    part[1] = 1 - part[0];
#endif
    accum parts = 0;
    for (int i = 0; i < LABELS_OF_ROW; ++i) {
      if (label[i] < 0 || label[i] >= classes) part[i] = 0;
      parts += part[i];
    }
    if (parts == 0) {
      for (int k = 0; k < classes; ++k) store_slope(0, dz + k, narrow_dz + k);
      continue;
    }
    accum largest = load_logit(z);
    int place = 0;
    for (int k = 1; k < classes; ++k) {
      const accum value = load_logit(z + k);
      if (value > largest) {
        largest = value;
        place = k;
      }
    }
    accum total = 0;
    accum linear = 0;
    for (int k = 0; k < classes; ++k) {
      const accum shifted = load_logit(z + k) - largest;
      total += exp(shifted);
      linear += shifted;
    }
    const accum log_total = log(total);
    for (int i = 0; i < LABELS_OF_ROW; ++i) {
      if (part[i] == 0) continue;
      const accum at_label = load_logit(z + label[i]) - largest;
      // A class that has no part in the target may have a logit of minus infinity.
      loss_sum += part[i] * (fma(smoothing - 1, at_label, log_total) -
                             (everywhere > 0 ? everywhere * linear : 0));
    }
    correct_sum += place == label[0] ? 1 : 0;
    for (int k = 0; k < classes; ++k) {
      accum target = parts * everywhere;
      for (int i = 0; i < LABELS_OF_ROW; ++i)
        target += k == label[i] ? part[i] * (1 - smoothing) : 0;
      const accum share = exp(load_logit(z + k) - largest) / total;
      store_slope((parts * share - target) / (accum)rows, dz + k, narrow_dz + k);
    }
  }
  loss_sum = sum_over_rows(loss_sum, grid_of(1), tree);
  correct_sum = sum_over_rows(correct_sum, grid_of(1), tree);
  if (get_local_id(0) == 0) {
    loss[0] = loss_sum / (accum)rows;
    correct[0] = correct_sum;
  }
}
