// Merging the partial results of strips, 16 channels at a time. Groups are added in order, so that
// the result is always the same. Included once for each instruction set.

INLINE vf group_sum(int64_t groups, int64_t channels, const float *partials, int64_t c,
                    int32_t count) {
  vf even = splat(0), odd = splat(0);
  for (int64_t g = 0; g + 2 <= groups; g += 2) {
    even += load(VL_FLOAT32, partials, g * channels + c, count);
    odd += load(VL_FLOAT32, partials, (g + 1) * channels + c, count);
  }
  if (groups % 2) even += load(VL_FLOAT32, partials, (groups - 1) * channels + c, count);
  return even + odd;
}

void VL(merge_sums)(int64_t groups, int64_t channels, const float *partials, const float *factor,
                    float *out) {
  FOR_ELEMENTS(channels, {
    vf sum = group_sum(groups, channels, partials, i, count);
    if (factor) sum *= load(VL_FLOAT32, factor, i, count);
    store(VL_FLOAT32, out, i, sum, count);
  });
}

void VL(merge_moments)(int64_t groups, int64_t channels, int64_t elements, const float *means,
                       const float *deviations, float *mean, float *variance) {
  const float size = (float)elements, share = 1 / (float)groups;
  FOR_ELEMENTS(channels, {
    vf center = group_sum(groups, channels, means, i, count) * share;
    vf within = group_sum(groups, channels, deviations, i, count);
    vf between = splat(0);
    for (int64_t g = 0; g < groups; g++) {
      vf d = load(VL_FLOAT32, means, g * channels + i, count) - center;
      between += d * d;
    }
    vf spread = (within / size + between) * share;
    store(VL_FLOAT32, mean, i, center, count);
    store(VL_FLOAT32, variance, i, spread, count);
  });
}

void VL(normalization_factors)(int64_t channels, const float *scale, const float *shift,
                               const float *mean, const float *variance, float epsilon,
                               float *inverse, float *factor, float *offset) {
  FOR_ELEMENTS(channels, {
    vf root = __builtin_elementwise_sqrt(load(VL_FLOAT32, variance, i, count) + epsilon);
    vf f = load(VL_FLOAT32, scale, i, count) / root;
    store(VL_FLOAT32, inverse, i, 1 / root, count);
    store(VL_FLOAT32, factor, i, f, count);
    store(VL_FLOAT32, offset, i,
          load(VL_FLOAT32, shift, i, count) - load(VL_FLOAT32, mean, i, count) * f, count);
  });
}

void VL(gradient_factors)(int64_t channels, int64_t elements, const float *inverse,
                          const float *factor, const float *dshift, const float *dscale,
                          float *slope, float *offset) {
  const float share = -1 / (float)elements;
  FOR_ELEMENTS(channels, {
    vf f = load(VL_FLOAT32, factor, i, count) * share;
    store(VL_FLOAT32, slope, i,
          f * load(VL_FLOAT32, inverse, i, count) * load(VL_FLOAT32, dscale, i, count), count);
    store(VL_FLOAT32, offset, i, f * load(VL_FLOAT32, dshift, i, count), count);
  });
}
