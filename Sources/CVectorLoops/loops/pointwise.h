// Pointwise loops and sums. Included once for each instruction set.

INLINE void combine_as(vl_type type, vl_binary operation, const void *a, const void *b, void *out,
                       int64_t n) {
  FOR_ELEMENTS(n, {
    vf l = load(type, a, i, count), r = load(type, b, i, count);
    vf y = operation == VL_ADD ? l + r : (operation == VL_SUBTRACT ? l - r : l * r);
    store(type, out, i, y, count);
  });
}

void VL(combine)(vl_type type, vl_binary operation, const void *a, const void *b, void *out,
                 int64_t n) {
  switch (operation) {
    case VL_ADD: BY_TYPE(type, combine_as(TYPE, VL_ADD, a, b, out, n)) break;
    case VL_SUBTRACT: BY_TYPE(type, combine_as(TYPE, VL_SUBTRACT, a, b, out, n)) break;
    case VL_MULTIPLY: BY_TYPE(type, combine_as(TYPE, VL_MULTIPLY, a, b, out, n)) break;
  }
}

void VL(affine)(vl_type type, const void *x, float factor, float offset, void *out, int64_t n) {
  BY_TYPE(type,
          FOR_ELEMENTS(n, store(TYPE, out, i, load(TYPE, x, i, count) * factor + offset, count)))
}

void VL(fill)(vl_type type, float value, void *out, int64_t n) {
  BY_TYPE(type, FOR_ELEMENTS(n, store(TYPE, out, i, splat(value), count)))
}

INLINE void cast_as(vl_type from, const void *x, vl_type to, void *out, int64_t n) {
  FOR_ELEMENTS(n, store(to, out, i, load(from, x, i, count), count));
}

void VL(cast)(vl_type from, const void *x, vl_type to, void *out, int64_t n) {
  if (from == VL_FLOAT32) {
    BY_TYPE(to, cast_as(VL_FLOAT32, x, TYPE, out, n))
  } else {
    BY_TYPE(to, cast_as(VL_BFLOAT16, x, TYPE, out, n))
  }
}

void VL(activate)(vl_type type, vl_activation f, const void *x, void *out, int64_t n) {
  BY_TYPE(type,
          BY_ACTIVATION(f, FOR_ELEMENTS(n, store(TYPE, out, i,
                                                 activated(PHI, load(TYPE, x, i, count)), count))))
}

/// Stores the gradient before the activation of some elements. Returns the stored, rounded values.
INLINE vf store_gradient_before(vl_type type, vl_activation f, int from_output, const void *dy,
                                const void *dy2, const void *reference, void *out, int64_t i,
                                int32_t count) {
  vf g = load(type, dy, i, count);
  if (dy2) g += load(type, dy2, i, count);
  vf y = gradient_before(f, from_output, g, load(type, reference, i, count));
  store(type, out, i, y, count);
  return type == VL_FLOAT32 ? y : load(type, out, i, count);
}

/// Runs the statement for ReLU with one gradient and with two as constants, for tight loops.
#define BY_GRADIENTS(f, from_output, dy2, STATEMENT) \
  if ((f).kind == VL_RELU) {                         \
    const vl_activation PHI = {VL_RELU, 0};          \
    const int FROM_OUTPUT = 1;                       \
    if (dy2) {                                       \
      const void *const SECOND = (dy2);              \
      STATEMENT;                                     \
    } else {                                         \
      const void *const SECOND = 0;                  \
      STATEMENT;                                     \
    }                                                \
  } else {                                           \
    const vl_activation PHI = (f);                   \
    const int FROM_OUTPUT = (from_output);           \
    const void *const SECOND = (dy2);                \
    STATEMENT;                                       \
  }

void VL(activation_gradient)(vl_type type, vl_activation f, int from_output, const void *dy,
                             const void *dy2, const void *reference, void *out, int64_t n) {
  BY_TYPE(type,
          BY_GRADIENTS(f, from_output, dy2,
                       FOR_ELEMENTS(n, store_gradient_before(TYPE, PHI, FROM_OUTPUT, dy, SECOND,
                                                             reference, out, i, count))))
}

/// Four running vectors hide the latency of the additions. Blocks limit the length of the fp32
/// sums. Products that overflow fp32 are added up in double once more.
#define SUM_BLOCK 4096

INLINE double sum_as(vl_type type, const void *x, const void *y, int64_t n) {
  double result = 0;
  for (int64_t first = 0; first < n; first += SUM_BLOCK) {
    int64_t last = first + SUM_BLOCK < n ? first + SUM_BLOCK : n;
    vf part[4] = {splat(0), splat(0), splat(0), splat(0)};
    int64_t i = first;
    for (; i + 4 * LANES <= last; i += 4 * LANES) {
      for (int k = 0; k < 4; k++) {
        vf v = load(type, x, i + k * LANES, LANES);
        part[k] += y ? v * load(type, y, i + k * LANES, LANES) : v;
      }
    }
    for (; i < last; i += LANES) {
      int32_t count = last - i < LANES ? (int32_t)(last - i) : LANES;
      vf v = load(type, x, i, count);
      part[0] += y ? v * load(type, y, i, count) : v;
    }
    double block = total((part[0] + part[1]) + (part[2] + part[3]));
    if (y && !(fabs(block) < INFINITY)) {
      block = 0;
      for (i = first; i < last; i++) {
        block += (double)load(type, x, i, 1)[0] * (double)load(type, y, i, 1)[0];
      }
    }
    result += block;
  }
  return result;
}

double VL(sum)(vl_type type, const void *x, int64_t n) {
  double result;
  BY_TYPE(type, result = sum_as(TYPE, x, 0, n))
  return result;
}

double VL(dot)(vl_type type, const void *x, const void *y, int64_t n) {
  double result;
  BY_TYPE(type, result = sum_as(TYPE, x, y, n))
  return result;
}
