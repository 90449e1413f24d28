// Scaled weight standardization of one unit. Included once for each instruction set.

/// Elements from i on, minus `mean`; zeros beyond `count`.
INLINE vf centered(const float *w, int64_t i, int32_t count, float mean) {
  vf v = load(VL_FLOAT32, w, i, count) - mean;
  return count == LANES ? v : (vf)((vi)v & lanes_before(count));
}

INLINE float mean_of(const float *x, int64_t n) {
  vf sum = splat(0);
  FOR_ELEMENTS(n, sum += load(VL_FLOAT32, x, i, count));
  return total(sum) / (float)n;
}

void VL(standardize)(vl_type type, const float *w, int64_t n, float scale, float epsilon,
                     void *out) {
  const float mean = mean_of(w, n);
  vf squares = splat(0);
  FOR_ELEMENTS(n, {
    vf v = centered(w, i, count, mean);
    squares += v * v;
  });
  const float factor = scale / sqrtf(total(squares) + epsilon);
  BY_TYPE(type, FOR_ELEMENTS(n, store(TYPE, out, i, centered(w, i, count, mean) * factor, count)))
}

void VL(standardize_gradient)(const float *dy, const float *w, int64_t n, float factor, float gain,
                              float epsilon, float *dw, float *dgain) {
  const float mean = mean_of(w, n), mean_dy = mean_of(dy, n);
  vf squares = splat(0), products = splat(0);
  FOR_ELEMENTS(n, {
    vf v = centered(w, i, count, mean);
    squares += v * v;
    products += v * load(VL_FLOAT32, dy, i, count);
  });
  const float square = total(squares) + epsilon, product = total(products);
  const float scale = factor / sqrtf(square), slope = product / square;
  *dgain = scale * product;
  FOR_ELEMENTS(n, {
    vf v = centered(w, i, count, mean);
    vf d = load(VL_FLOAT32, dy, i, count) - mean_dy - v * slope;
    store(VL_FLOAT32, dw, i, d * (scale * gain), count);
  });
}
