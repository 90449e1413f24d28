// Merging the partial results of strips, 16 channels at a time. Groups are added in order, so that
// the result is always the same. Included once for each instruction set.

/// Runs STEP(c, count) for every vector of channels.
#define FOR_CHANNELS(channels, STEP) FOR_ELEMENTS(channels, STEP)

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
#define STEP(c, count)                                        \
  {                                                           \
    vf sum = group_sum(groups, channels, partials, c, count); \
    if (factor) sum *= load(VL_FLOAT32, factor, c, count);    \
    store(VL_FLOAT32, out, c, sum, count);                    \
  }
  FOR_CHANNELS(channels, STEP);
#undef STEP
}

void VL(merge_moments)(int64_t groups, int64_t channels, int64_t elements, const float *means,
                       const float *deviations, float *mean, float *variance) {
  const float size = (float)elements, share = 1 / (float)groups;
#define STEP(c, count)                                                  \
  {                                                                     \
    vf center = group_sum(groups, channels, means, c, count) * share;   \
    vf within = group_sum(groups, channels, deviations, c, count);      \
    vf between = splat(0);                                              \
    for (int64_t g = 0; g < groups; g++) {                              \
      vf d = load(VL_FLOAT32, means, g * channels + c, count) - center; \
      between += d * d;                                                 \
    }                                                                   \
    vf spread = (within / size + between) * share;                      \
    store(VL_FLOAT32, mean, c, center, count);                          \
    store(VL_FLOAT32, variance, c, spread, count);                      \
  }
  FOR_CHANNELS(channels, STEP);
#undef STEP
}

void VL(normalization_factors)(int64_t channels, const float *scale, const float *shift,
                               const float *mean, const float *variance, float epsilon,
                               float *inverse, float *factor, float *offset) {
#define STEP(c, count)                                                                      \
  {                                                                                         \
    vf root = __builtin_elementwise_sqrt(load(VL_FLOAT32, variance, c, count) + epsilon);   \
    vf f = load(VL_FLOAT32, scale, c, count) / root;                                        \
    store(VL_FLOAT32, inverse, c, 1 / root, count);                                         \
    store(VL_FLOAT32, factor, c, f, count);                                                 \
    store(VL_FLOAT32, offset, c,                                                            \
          load(VL_FLOAT32, shift, c, count) - load(VL_FLOAT32, mean, c, count) * f, count); \
  }
  FOR_CHANNELS(channels, STEP);
#undef STEP
}

void VL(gradient_factors)(int64_t channels, int64_t elements, const float *inverse,
                          const float *factor, const float *dshift, const float *dscale,
                          float *slope, float *offset) {
  const float share = -1 / (float)elements;
#define STEP(c, count)                                                                         \
  {                                                                                            \
    vf f = load(VL_FLOAT32, factor, c, count) * share;                                         \
    store(VL_FLOAT32, slope, c,                                                                \
          f *load(VL_FLOAT32, inverse, c, count) * load(VL_FLOAT32, dscale, c, count), count); \
    store(VL_FLOAT32, offset, c, f *load(VL_FLOAT32, dshift, c, count), count);                \
  }
  FOR_CHANNELS(channels, STEP);
#undef STEP
}
