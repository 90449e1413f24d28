// Softmax cross-entropy of one row. Included once for each instruction set.

void VL(cross_entropy)(vl_type type, const void *logits, int64_t classes, int32_t label,
                       float smoothing, int64_t rows, void *gradient, double *loss,
                       int32_t *correct) {
  *loss = 0;
  *correct = 0;
  if (label < 0 || label >= classes) {
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
  *correct = winner == label;
  double sum = 0, shifted = 0;
  for (int64_t k = 0; k < classes; k++) {
    float z = load(type, logits, k, 1)[0] - largest;
    sum += (double)expf(z);
    shifted += (double)z;
  }
  double log_sum = log(sum);
  double at_label = (double)(load(type, logits, label, 1)[0] - largest);
  double share = (double)smoothing / (double)classes;
  // A class with share 0 in the target may have a logit of minus infinity.
  *loss = log_sum - (1 - (double)smoothing) * at_label - (share > 0 ? share * shifted : 0);
  for (int64_t k = 0; k < classes; k++) {
    float z = load(type, logits, k, 1)[0] - largest;
    double probability = (double)expf(z) / sum;
    double target = share + (k == label ? 1 - (double)smoothing : 0);
    store(type, gradient, k, splat((float)((probability - target) / (double)rows)), 1);
  }
}
