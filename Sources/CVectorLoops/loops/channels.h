// Loops over slabs of a few channels. Included once for each instruction set.

/// One number for each lane of the slab's vectors.
INLINE vf channel_vector(const vl_slab *slab, const float *values) {
  if (slab->lanes == LANES) return load(VL_FLOAT32, values, 0, slab->width);
  float lanes[LANES];
  for (int lane = 0; lane < LANES; lane++) lanes[lane] = values[lane % slab->lanes];
  return load(VL_FLOAT32, lanes, 0, LANES);
}

/// Sums the lanes of each channel and stores one number a channel.
INLINE void store_channels(const vl_slab *slab, vf v, float *out) {
  if (slab->lanes == LANES) {
    store(VL_FLOAT32, out, 0, v, slab->width);
    return;
  }
  float lanes[LANES];
  store(VL_FLOAT32, lanes, 0, v, LANES);
  for (int half = LANES / 2; half >= slab->lanes; half /= 2)
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  for (int lane = 0; lane < slab->lanes; lane++) out[lane] = lanes[lane];
}

INLINE void normalize_as(vl_type type, const vl_slab *slab, const void *x, const float *scale,
                         const float *shift, const void *residual, vl_activation f, void *out) {
  vf factor = scale ? channel_vector(slab, scale) : splat(1);
  vf offset = shift ? channel_vector(slab, shift) : splat(0);
#define STEP(i, count)                                 \
  {                                                    \
    vf y = load(type, x, i, count) * factor + offset;  \
    if (residual) y += load(type, residual, i, count); \
    store(type, out, i, activated(f, y), count);       \
  }
  FOR_SLAB(slab, STEP);
#undef STEP
}

void VL(normalize)(vl_type type, const vl_slab *slab, const void *x, const float *scale,
                   const float *shift, const void *residual, vl_activation f, void *out) {
  if (residual) {
    BY_TYPE(type, BY_ACTIVATION(f, normalize_as(TYPE, slab, x, scale, shift, residual, PHI, out)))
  } else {
    BY_TYPE(type, BY_ACTIVATION(f, normalize_as(TYPE, slab, x, scale, shift, 0, PHI, out)))
  }
}

void VL(spread)(vl_type type, const vl_slab *slab, const float *value, void *out) {
  vf spread = channel_vector(slab, value);
#define STEP(i, count) store(TYPE, out, i, spread, count)
  BY_TYPE(type, FOR_SLAB(slab, STEP))
#undef STEP
}

INLINE vf lane_sums(vl_type type, const vl_slab *slab, const void *x) {
  vf a = splat(0), b = splat(0), c = splat(0), d = splat(0);
  int64_t full = full_vectors(slab);
  int64_t v = 0, step = slab->step;
  for (; v + 4 <= full; v += 4) {
    a += load(type, x, v * step, LANES);
    b += load(type, x, (v + 1) * step, LANES);
    c += load(type, x, (v + 2) * step, LANES);
    d += load(type, x, (v + 3) * step, LANES);
  }
  for (; v < slab->vectors; v++) a += load(type, x, v * step, lanes_of(slab, v));
  return (a + b) + (c + d);
}

void VL(channel_sum)(vl_type type, const vl_slab *slab, const void *x, float *sum) {
  BY_TYPE(type, store_channels(slab, lane_sums(TYPE, slab, x), sum))
}

INLINE void activation_gradient_sums_as(vl_type type, const vl_slab *slab, vl_activation f,
                                        int from_output, const void *dy, const void *dy2,
                                        const void *reference, void *out, float *sum) {
  vf sums[2] = {splat(0), splat(0)};
  int64_t full = full_vectors(slab);
  int64_t v = 0, step = slab->step;
  for (; v + 2 <= full; v += 2)
    for (int k = 0; k < 2; k++)
      sums[k] += store_gradient_before(type, f, from_output, dy, dy2, reference, out,
                                       (v + k) * step, LANES);
  // Lanes beyond the end hold a zero gradient.
  for (; v < slab->vectors; v++)
    sums[0] += store_gradient_before(type, f, from_output, dy, dy2, reference, out, v * step,
                                     lanes_of(slab, v));
  store_channels(slab, sums[0] + sums[1], sum);
}

void VL(activation_gradient_sums)(vl_type type, const vl_slab *slab, vl_activation f,
                                  int from_output, const void *dy, const void *dy2,
                                  const void *reference, void *out, float *sum) {
  BY_TYPE(type, BY_GRADIENTS(f, from_output, dy2,
                             activation_gradient_sums_as(TYPE, slab, PHI, FROM_OUTPUT, dy, SECOND,
                                                         reference, out, sum)))
}

/// Two passes, the second from the cache. There is no cancellation for any mean.
INLINE void moments_as(vl_type type, const vl_slab *slab, const void *x, float *mean,
                       float *deviation) {
  float sums[LANES] = {0};
  store_channels(slab, lane_sums(type, slab, x), sums);
  int64_t elements = slab->lanes == LANES
                         ? slab->vectors
                         : ((slab->vectors - 1) * slab->width + slab->last) / slab->lanes;
  float inverse = 1 / (float)elements;
  int32_t channels = slab->lanes == LANES ? slab->width : slab->lanes;
  for (int lane = 0; lane < channels; lane++) mean[lane] = sums[lane] * inverse;
  vf center = channel_vector(slab, mean);
  vf a = splat(0), b = splat(0), c = splat(0), d = splat(0);
  int64_t full = full_vectors(slab);
  int64_t v = 0, step = slab->step;
  for (; v + 4 <= full; v += 4) {
    vf p = load(type, x, v * step, LANES) - center;
    vf q = load(type, x, (v + 1) * step, LANES) - center;
    vf r = load(type, x, (v + 2) * step, LANES) - center;
    vf s = load(type, x, (v + 3) * step, LANES) - center;
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (; v < slab->vectors; v++) {
    int32_t count = lanes_of(slab, v);
    vf p = load(type, x, v * step, count) - center;
    a += lanes_before(count) ? p * p : splat(0);
  }
  store_channels(slab, (a + b) + (c + d), deviation);
}

void VL(moments)(vl_type type, const vl_slab *slab, const void *x, float *mean, float *deviation) {
  BY_TYPE(type, moments_as(TYPE, slab, x, mean, deviation))
}

/// The gradient before the activation.
INLINE vf inner_gradient(vl_activation f, vf g, vf x, vf factor, vf offset) {
  return f.kind == VL_LINEAR ? g : gradient_before(f, 0, g, x * factor + offset);
}

INLINE void normalization_sums_as(vl_type type, const vl_slab *slab, const void *dy, const void *x,
                                  const float *scale, const float *shift, const float *mean,
                                  vl_activation f, float *sum, float *dot) {
  vf factor = channel_vector(slab, scale), offset = channel_vector(slab, shift);
  vf center = channel_vector(slab, mean);
  vf sums[2] = {splat(0), splat(0)}, dots[2] = {splat(0), splat(0)};
  int64_t full = full_vectors(slab);
  int64_t v = 0, step = slab->step;
  for (; v + 2 <= full; v += 2) {
    for (int k = 0; k < 2; k++) {
      vf value = load(type, x, (v + k) * step, LANES);
      vf g = inner_gradient(f, load(type, dy, (v + k) * step, LANES), value, factor, offset);
      sums[k] += g;
      dots[k] += g * (value - center);
    }
  }
  for (; v < slab->vectors; v++) {
    // Lanes beyond the end hold a zero gradient.
    int32_t count = lanes_of(slab, v);
    vf value = load(type, x, v * step, count);
    vf g = inner_gradient(f, load(type, dy, v * step, count), value, factor, offset);
    sums[0] += g;
    dots[0] += g * (value - center);
  }
  store_channels(slab, sums[0] + sums[1], sum);
  store_channels(slab, dots[0] + dots[1], dot);
}

void VL(normalization_sums)(vl_type type, const vl_slab *slab, const void *dy, const void *x,
                            const float *scale, const float *shift, const float *mean,
                            vl_activation f, float *sum, float *dot) {
  BY_TYPE(type, BY_ACTIVATION(
                    f, normalization_sums_as(TYPE, slab, dy, x, scale, shift, mean, PHI, sum, dot)))
}

INLINE void normalization_gradient_as(vl_type type, const vl_slab *slab, const void *dy,
                                      const void *x, const float *scale, const float *shift,
                                      const float *mean, const float *slope, const float *offset,
                                      vl_activation f, void *dx) {
  vf factor = channel_vector(slab, scale), base = channel_vector(slab, shift);
  vf center = channel_vector(slab, mean);
  vf rate = channel_vector(slab, slope), rest = channel_vector(slab, offset);
#define STEP(i, count)                                                       \
  {                                                                          \
    vf value = load(type, x, i, count);                                      \
    vf g = inner_gradient(f, load(type, dy, i, count), value, factor, base); \
    store(type, dx, i, g *factor + ((value - center) * rate + rest), count); \
  }
  FOR_SLAB(slab, STEP);
#undef STEP
}

void VL(normalization_gradient)(vl_type type, const vl_slab *slab, const void *dy, const void *x,
                                const float *scale, const float *shift, const float *mean,
                                const float *slope, const float *offset, vl_activation f,
                                void *dx) {
  BY_TYPE(type, BY_ACTIVATION(f, normalization_gradient_as(TYPE, slab, dy, x, scale, shift, mean,
                                                           slope, offset, PHI, dx)))
}
