// Loads and stores of up to 16 elements of either type. Included once for each instruction set.

INLINE vf splat(float x) { return (vf)(x); }

INLINE vf widen(vh half) {
  vu bits = __builtin_convertvector(half, vu) << 16;
  return (vf)bits;
}

/// Rounds to nearest, ties to even. The processor's instruction flushes subnormals to zero.
INLINE vh narrow(vf x) {
#if VL_HAS_BF16_INSTRUCTION
  return (vh)_mm512_cvtneps_pbh((__m512)x);
#else
  vu bits = (vu)x;
  vu rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  vu quiet = (bits >> 16) | 0x40;
  return __builtin_convertvector(x == x ? rounded : quiet, vh);
#endif
}

/// Element `i` and the `count - 1` after it; zeros in the other lanes.
INLINE vf load(vl_type type, const void *base, int64_t i, int32_t count) {
  if (type == VL_FLOAT32) {
    const float *p = (const float *)base + i;
    vf v = splat(0);
    if (count == LANES) {
      memcpy(&v, p, sizeof v);
    } else {
      float lanes[LANES] = {0};
      for (int32_t lane = 0; lane < count; lane++) lanes[lane] = p[lane];
      memcpy(&v, lanes, sizeof v);
    }
    return v;
  }
  const uint16_t *p = (const uint16_t *)base + i;
  vh h;
  if (count == LANES) {
    memcpy(&h, p, sizeof h);
  } else {
    uint16_t lanes[LANES] = {0};
    for (int32_t lane = 0; lane < count; lane++) lanes[lane] = p[lane];
    memcpy(&h, lanes, sizeof h);
  }
  return widen(h);
}

INLINE void store(vl_type type, void *base, int64_t i, vf v, int32_t count) {
  if (type == VL_FLOAT32) {
    float *p = (float *)base + i;
    if (count == LANES) {
      memcpy(p, &v, sizeof v);
    } else {
      for (int32_t lane = 0; lane < count; lane++) p[lane] = v[lane];
    }
    return;
  }
  uint16_t *p = (uint16_t *)base + i;
  vh h = narrow(v);
  if (count == LANES) {
    memcpy(p, &h, sizeof h);
  } else {
    for (int32_t lane = 0; lane < count; lane++) p[lane] = h[lane];
  }
}

/// The pairwise sum of all lanes.
INLINE float total(vf v) {
  float lanes[LANES];
  memcpy(lanes, &v, sizeof v);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

/// All ones in the lanes before `count`.
INLINE vi lanes_before(int32_t count) {
  const vi index = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return index < count;
}

/// Runs the statements for every vector of n elements: `count` elements from `i` on.
#define FOR_ELEMENTS(n, ...)                  \
  do {                                        \
    int64_t i = 0;                            \
    for (; i + LANES <= (n); i += LANES) {    \
      const int32_t count = LANES;            \
      __VA_ARGS__;                            \
    }                                         \
    if (i < (n)) {                            \
      const int32_t count = (int32_t)((n)-i); \
      __VA_ARGS__;                            \
    }                                         \
  } while (0)

/// The number of vectors of a strip that are 16 lanes wide.
INLINE int64_t full_vectors(const vl_strip *strip) {
  return strip->width < LANES ? 0 : strip->vectors - (strip->last < LANES ? 1 : 0);
}

/// The number of lanes of vector `index` of a strip.
INLINE int32_t lanes_of(const vl_strip *strip, int64_t index) {
  return index == strip->vectors - 1 ? strip->last : strip->width;
}

/// Runs the statements for every vector of a strip, as FOR_ELEMENTS does.
#define FOR_STRIP(strip, ...)                    \
  do {                                           \
    int64_t full = full_vectors(strip), at = 0;  \
    for (; at < full; at++) {                    \
      const int64_t i = at * (strip)->step;      \
      const int32_t count = LANES;               \
      __VA_ARGS__;                               \
    }                                            \
    for (; at < (strip)->vectors; at++) {        \
      const int64_t i = at * (strip)->step;      \
      const int32_t count = lanes_of(strip, at); \
      __VA_ARGS__;                               \
    }                                            \
  } while (0)

/// Runs the statement with the type as a constant.
#define BY_TYPE(type, STATEMENT)      \
  if ((type) == VL_FLOAT32) {         \
    const vl_type TYPE = VL_FLOAT32;  \
    STATEMENT;                        \
  } else {                            \
    const vl_type TYPE = VL_BFLOAT16; \
    STATEMENT;                        \
  }
