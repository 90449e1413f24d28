// Softmax cross-entropy of one row. Included once for each instruction set.

void VL(cross_entropy)(vl_type type, const void *logits, int64_t classes, const int32_t *labels,
                       int64_t row, int64_t rows, float share, float smoothing, void *gradient,
                       double *loss, int32_t *correct) {
  *loss = 0;
  *correct = 0;
  const int32_t label[2] = {labels[row], labels[rows - 1 - row]};
  // Each label's part in the target.
  double part[2] = {share, 1 - (double)share};
  for (int i = 0; i < 2; i++)
    if (label[i] < 0 || label[i] >= classes) part[i] = 0;
  if (part[0] == 0 && part[1] == 0) {
    VL(fill)(type, 0, gradient, classes);
    return;
  }
  float largest = load(type, logits, 0, 1)[0];
  int64_t winner = 0;
  for (int64_t k = 1; k < classes; k++) {
    float z = load(type, logits, k, 1)[0];
    if (z > largest) {
      largest = z;
      winner = k;
    }
  }
  *correct = winner == label[0];
  double sum = 0, shifted = 0;
  for (int64_t k = 0; k < classes; k++) {
    float z = load(type, logits, k, 1)[0] - largest;
    sum += (double)expf(z);
    shifted += (double)z;
  }
  double log_sum = log(sum);
  double background = (double)smoothing / (double)classes;
  for (int i = 0; i < 2; i++) {
    if (part[i] == 0) continue;
    double at_label = (double)(load(type, logits, label[i], 1)[0] - largest);
    // A class with no part in the target may have a logit of minus infinity.
    *loss += part[i] * (log_sum - (1 - (double)smoothing) * at_label -
                        (background > 0 ? background * shifted : 0));
  }
  for (int64_t k = 0; k < classes; k++) {
    float z = load(type, logits, k, 1)[0] - largest;
    double probability = (double)expf(z) / sum;
    double target = (part[0] + part[1]) * background;
    for (int i = 0; i < 2; i++)
      if (k == label[i]) target += part[i] * (1 - (double)smoothing);
    double slope = (part[0] + part[1]) * probability - target;
    store(type, gradient, k, splat((float)(slope / (double)rows)), 1);
  }
}
