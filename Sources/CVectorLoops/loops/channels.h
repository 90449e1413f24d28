// Loops over strips of a few channels. Included once for each instruction set.

/// One number for each lane of the strip's vectors.
INLINE vf channel_vector(const vl_strip *strip, const float *values) {
  if (strip->lanes == LANES) return load(VL_FLOAT32, values, 0, strip->width);
  float lanes[LANES];
  for (int lane = 0; lane < LANES; lane++) lanes[lane] = values[lane % strip->lanes];
  return load(VL_FLOAT32, lanes, 0, LANES);
}

/// Sums the lanes of each channel and stores one number a channel.
INLINE void store_channels(const vl_strip *strip, vf v, float *out) {
  if (strip->lanes == LANES) {
    store(VL_FLOAT32, out, 0, v, strip->width);
    return;
  }
  float lanes[LANES];
  store(VL_FLOAT32, lanes, 0, v, LANES);
  for (int half = LANES / 2; half >= strip->lanes; half /= 2)
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  for (int lane = 0; lane < strip->lanes; lane++) out[lane] = lanes[lane];
}

INLINE void normalize_as(vl_type type, const vl_strip *strip, const void *x, const float *scale,
                         const float *shift, const void *residual, vl_activation f, void *out) {
  vf factor = scale ? channel_vector(strip, scale) : splat(1);
  vf offset = shift ? channel_vector(strip, shift) : splat(0);
  FOR_STRIP(strip, {
    vf y = load(type, x, i, count) * factor + offset;
    if (residual) y += load(type, residual, i, count);
    store(type, out, i, activated(f, y), count);
  });
}

void VL(normalize)(vl_type type, const vl_strip *strip, const void *x, const float *scale,
                   const float *shift, const void *residual, vl_activation f, void *out) {
  if (residual) {
    BY_TYPE(type, BY_ACTIVATION(f, normalize_as(TYPE, strip, x, scale, shift, residual, PHI, out)))
  } else {
    BY_TYPE(type, BY_ACTIVATION(f, normalize_as(TYPE, strip, x, scale, shift, 0, PHI, out)))
  }
}

void VL(spread)(vl_type type, const vl_strip *strip, const float *value, void *out) {
  vf spread = channel_vector(strip, value);
  BY_TYPE(type, FOR_STRIP(strip, store(TYPE, out, i, spread, count)))
}

INLINE vf lane_sums(vl_type type, const vl_strip *strip, const void *x) {
  vf part[4] = {splat(0), splat(0), splat(0), splat(0)};
  int64_t full = full_vectors(strip);
  int64_t v = 0, step = strip->step;
  for (; v + 4 <= full; v += 4)
    UNROLLED_FOR (k, 4) part[k] += load(type, x, (v + k) * step, LANES);
  for (; v < strip->vectors; v++) part[0] += load(type, x, v * step, lanes_of(strip, v));
  return (part[0] + part[1]) + (part[2] + part[3]);
}

void VL(channel_sum)(vl_type type, const vl_strip *strip, const void *x, float *sum) {
  BY_TYPE(type, store_channels(strip, lane_sums(TYPE, strip, x), sum))
}

INLINE void activation_gradient_sums_as(vl_type type, const vl_strip *strip, vl_activation f,
                                        int from_output, const void *dy, const void *dy2,
                                        const void *reference, void *out, float *sum) {
  vf sums[2] = {splat(0), splat(0)};
  int64_t full = full_vectors(strip);
  int64_t v = 0, step = strip->step;
  for (; v + 2 <= full; v += 2)
    for (int k = 0; k < 2; k++)
      sums[k] += store_gradient_before(type, f, from_output, dy, dy2, reference, out,
                                       (v + k) * step, LANES);
  // Lanes beyond the end hold a zero gradient.
  for (; v < strip->vectors; v++)
    sums[0] += store_gradient_before(type, f, from_output, dy, dy2, reference, out, v * step,
                                     lanes_of(strip, v));
  store_channels(strip, sums[0] + sums[1], sum);
}

void VL(activation_gradient_sums)(vl_type type, const vl_strip *strip, vl_activation f,
                                  int from_output, const void *dy, const void *dy2,
                                  const void *reference, void *out, float *sum) {
  BY_TYPE(type, BY_GRADIENTS(f, from_output, dy2,
                             activation_gradient_sums_as(TYPE, strip, PHI, FROM_OUTPUT, dy, SECOND,
                                                         reference, out, sum)))
}

/// Two passes, the second from the cache. There is no cancellation for any mean.
INLINE void moments_as(vl_type type, const vl_strip *strip, const void *x, float *mean,
                       float *deviation) {
  float sums[LANES] = {0};
  store_channels(strip, lane_sums(type, strip, x), sums);
  int64_t elements = strip->lanes == LANES
                         ? strip->vectors
                         : ((strip->vectors - 1) * strip->width + strip->last) / strip->lanes;
  float inverse = 1 / (float)elements;
  int32_t channels = strip->lanes == LANES ? strip->width : strip->lanes;
  for (int lane = 0; lane < channels; lane++) mean[lane] = sums[lane] * inverse;
  vf center = channel_vector(strip, mean);
  vf part[4] = {splat(0), splat(0), splat(0), splat(0)};
  int64_t full = full_vectors(strip);
  int64_t v = 0, step = strip->step;
  for (; v + 4 <= full; v += 4) {
    UNROLLED_FOR (k, 4) {
      vf d = load(type, x, (v + k) * step, LANES) - center;
      part[k] += d * d;
    }
  }
  for (; v < strip->vectors; v++) {
    int32_t count = lanes_of(strip, v);
    vf d = load(type, x, v * step, count) - center;
    part[0] += lanes_before(count) ? d * d : splat(0);
  }
  store_channels(strip, (part[0] + part[1]) + (part[2] + part[3]), deviation);
}

void VL(moments)(vl_type type, const vl_strip *strip, const void *x, float *mean,
                 float *deviation) {
  BY_TYPE(type, moments_as(TYPE, strip, x, mean, deviation))
}

/// The gradient before the activation.
INLINE vf inner_gradient(vl_activation f, vf g, vf x, vf factor, vf offset) {
  return f.kind == VL_LINEAR ? g : gradient_before(f, 0, g, x * factor + offset);
}

INLINE void normalization_sums_as(vl_type type, const vl_strip *strip, const void *dy,
                                  const void *x, const float *scale, const float *shift,
                                  const float *mean, vl_activation f, float *sum, float *dot) {
  vf factor = channel_vector(strip, scale), offset = channel_vector(strip, shift);
  vf center = channel_vector(strip, mean);
  vf sums[2] = {splat(0), splat(0)}, dots[2] = {splat(0), splat(0)};
  int64_t full = full_vectors(strip);
  int64_t v = 0, step = strip->step;
  for (; v + 2 <= full; v += 2) {
    for (int k = 0; k < 2; k++) {
      vf value = load(type, x, (v + k) * step, LANES);
      vf g = inner_gradient(f, load(type, dy, (v + k) * step, LANES), value, factor, offset);
      sums[k] += g;
      dots[k] += g * (value - center);
    }
  }
  for (; v < strip->vectors; v++) {
    // Lanes beyond the end hold a zero gradient.
    int32_t count = lanes_of(strip, v);
    vf value = load(type, x, v * step, count);
    vf g = inner_gradient(f, load(type, dy, v * step, count), value, factor, offset);
    sums[0] += g;
    dots[0] += g * (value - center);
  }
  store_channels(strip, sums[0] + sums[1], sum);
  store_channels(strip, dots[0] + dots[1], dot);
}

void VL(normalization_sums)(vl_type type, const vl_strip *strip, const void *dy, const void *x,
                            const float *scale, const float *shift, const float *mean,
                            vl_activation f, float *sum, float *dot) {
  BY_TYPE(type, BY_ACTIVATION(f, normalization_sums_as(TYPE, strip, dy, x, scale, shift, mean, PHI,
                                                       sum, dot)))
}

INLINE void normalization_gradient_as(vl_type type, const vl_strip *strip, const void *dy,
                                      const void *x, const float *scale, const float *shift,
                                      const float *mean, const float *slope, const float *offset,
                                      vl_activation f, void *dx) {
  vf factor = channel_vector(strip, scale), base = channel_vector(strip, shift);
  vf center = channel_vector(strip, mean);
  vf rate = channel_vector(strip, slope), rest = channel_vector(strip, offset);
  FOR_STRIP(strip, {
    vf value = load(type, x, i, count);
    vf g = inner_gradient(f, load(type, dy, i, count), value, factor, base);
    store(type, dx, i, g * factor + ((value - center) * rate + rest), count);
  });
}

void VL(normalization_gradient)(vl_type type, const vl_strip *strip, const void *dy, const void *x,
                                const float *scale, const float *shift, const float *mean,
                                const float *slope, const float *offset, vl_activation f,
                                void *dx) {
  BY_TYPE(type, BY_ACTIVATION(f, normalization_gradient_as(TYPE, strip, dy, x, scale, shift, mean,
                                                           slope, offset, PHI, dx)))
}
