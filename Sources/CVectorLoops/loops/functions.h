// The transcendental functions and the activations on 16 lanes, to a few units in the last place.
// Included once for each instruction set.

INLINE vf polynomial(vf x, const float *coefficients, int count) {
  vf p = splat(coefficients[0]);
  UNROLLED_FOR (k, count - 1) p = p * x + coefficients[k + 1];
  return p;
}

/// The polynomial of x with these coefficients, the highest power's first.
#define POLYNOMIAL(x, ...) \
  polynomial(x, (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

/// e^x - 1 = (2^n - 1) + 2^n * (e^r - 1) with r = x - n ln 2. It is accurate near 0 too. The
/// polynomial is Cephes' for single precision.
INLINE vf exponential_parts(vf x, vf *power) {
  vf bounded = x > 88.7f ? splat(88.7f) : x;
  bounded = bounded < -87.3f ? splat(-87.3f) : bounded;
  vf n = __builtin_elementwise_rint(bounded * 1.44269504088896341f);
  vf r = bounded - n * 0.693359375f - n * -2.12194440e-4f;
  vf p = POLYNOMIAL(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                    1.6666665459e-1f, 5.0000001201e-1f);
  // 2^128 overflows the type: halve the power and double the rest.
  vi exponent = __builtin_convertvector(n, vi);
  *power = (vf)((exponent + 126) << 23);
  return p * r * r + r;
}

INLINE vf exponential(vf x) {
  vf power;
  vf fraction = exponential_parts(x, &power);
  vf y = (2 + 2 * fraction) * power;
  y = x < -87.3f ? splat(0) : y;
  y = x > 88.7228f ? splat(INFINITY) : y;
  return x == x ? y : x;
}

INLINE vf exponential_minus_one(vf x) {
  vf power;
  vf fraction = exponential_parts(x, &power);
  vf y = 2 * ((power - 0.5f) + power * fraction);
  y = x < -87.3f ? splat(-1) : y;
  y = x > 88.7228f ? splat(INFINITY) : y;
  return x == x ? y : x;
}

/// log(1 + u) for u in [0, 1].
INLINE vf log_one_plus(vf u) {
  vf w = 1 + u;
  vi large = w > 1.41421356f;
  vf m = (large ? w * 0.5f : w) - 1;
  vf p = POLYNOMIAL(m, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
                    1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f,
                    3.3333331174e-1f);
  vf square = m * m;
  vf y = m + (p * m * square - 0.5f * square);
  y = large ? y + 0.693147180559945f : y;
  // The rounding error of 1 + u.
  return y + (u - (w - 1)) / w;
}

/// erfc(z) for z >= 0, fractional error about 1e-6.
/// Source: Press et al., "Numerical Recipes", section 6.2 (a Chebyshev fit).
INLINE vf complementary_error(vf z) {
  vf t = 2 / (2 + z);
  vf p = POLYNOMIAL(t, 0.17087277f, -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f,
                    -0.18628806f, 0.09678418f, 0.37409196f, 1.00002368f, -1.26551223f);
  return t * exponential(p - z * z);
}

/// erf(x) for |x| < 0.8: the Taylor series.
INLINE vf error_series(vf x) {
  vf s = x * x;
  vf p =
      POLYNOMIAL(s, -1.0f / 6894720.0f, 1.0f / 685440.0f, -1.0f / 75600.0f, 1.0f / 9360.0f,
                 -1.0f / 1320.0f, 1.0f / 216.0f, -1.0f / 42.0f, 1.0f / 10.0f, -1.0f / 3.0f, 1.0f);
  return x * p * 1.1283791670955126f;
}

/// erf(x): the series if it is short, otherwise the complement.
INLINE vf error_function(vf x) {
  vf a = __builtin_elementwise_abs(x);
  vf large = 1 - complementary_error(a);
  large = x < 0 ? -large : large;
  return a < 0.8f ? error_series(x) : large;
}

/// The normal distribution function.
INLINE vf normal_distribution(vf x) {
  vf z = x * 0.7071067811865476f;
  vf a = __builtin_elementwise_abs(z);
  vf tail = 0.5f * complementary_error(a);
  vf outer = x > 0 ? 1 - tail : tail;
  return a < 0.8f ? 0.5f + 0.5f * error_series(z) : outer;
}

INLINE vf sigmoid(vf x) { return 1 / (1 + exponential(-x)); }

INLINE vf hyperbolic_tangent(vf x) {
  vf a = __builtin_elementwise_abs(x);
  vf e = exponential_minus_one(-2 * a);
  vf y = -e / (2 + e);
  return x < 0 ? -y : y;
}

#define SELU_SCALE 1.0507009873554805f
#define SELU_ALPHA 1.6732632423543772f
#define UNIT_ERF_SCALE 0.886226925452758f

INLINE vf activated(vl_activation f, vf x) {
  switch (f.kind) {
    case VL_LINEAR: return x;
    case VL_RELU: return x < 0 ? splat(0) : x;
    case VL_LEAKY_RELU: return x > 0 ? x : f.parameter * x;
    case VL_TANH: return hyperbolic_tangent(x);
    case VL_HARD_TANH: return x < -1 ? splat(-1) : (x > 1 ? splat(1) : x);
    case VL_SIGMOID: return sigmoid(x);
    case VL_ERF: return error_function(x);
    case VL_UNIT_ERF: return error_function(x * UNIT_ERF_SCALE);
    case VL_SELU: return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * exponential_minus_one(x));
    case VL_ELU: return x > 0 ? x : f.parameter * exponential_minus_one(x);
    case VL_SOFTPLUS: {
      vf positive = x < 0 ? splat(0) : x;
      return positive + log_one_plus(exponential(-__builtin_elementwise_abs(x)));
    }
    case VL_SILU: return x * sigmoid(x);
    case VL_GELU: return x * normal_distribution(x);
    case VL_SHIFTED_RELU: return x < -1 ? splat(-1) : x;
  }
  return x;
}

/// phi'(x); at a kink the left derivative.
INLINE vf slope_at(vl_activation f, vf x) {
  switch (f.kind) {
    case VL_LINEAR: return splat(1);
    case VL_RELU: return x > 0 ? splat(1) : splat(0);
    case VL_LEAKY_RELU: return x > 0 ? splat(1) : splat(f.parameter);
    case VL_TANH: {
      vf y = hyperbolic_tangent(x);
      return 1 - y * y;
    }
    case VL_HARD_TANH: return x > -1 ? (x < 1 ? splat(1) : splat(0)) : splat(0);
    case VL_SIGMOID: {
      vf y = sigmoid(x);
      return y * (1 - y);
    }
    case VL_ERF: return 1.1283791670955126f * exponential(-x * x);
    case VL_UNIT_ERF: {
      vf z = x * UNIT_ERF_SCALE;
      return exponential(-z * z);
    }
    case VL_SELU: return SELU_SCALE * (x > 0 ? splat(1) : SELU_ALPHA * exponential(x));
    case VL_ELU: return x > 0 ? splat(1) : f.parameter * exponential(x);
    case VL_SOFTPLUS: return sigmoid(x);
    case VL_SILU: {
      vf s = sigmoid(x);
      return s * (1 + x * (1 - s));
    }
    case VL_GELU:
      return normal_distribution(x) + x * 0.3989422804014327f * exponential(-0.5f * x * x);
    case VL_SHIFTED_RELU: return x > -1 ? splat(1) : splat(0);
  }
  return x;
}

/// phi'(x) from y = phi(x), for activations with IsometryCore's `hasDerivativeFromOutput`.
INLINE vf slope_from_output(vl_activation f, vf y) {
  switch (f.kind) {
    case VL_LINEAR: return splat(1);
    case VL_RELU: return y > 0 ? splat(1) : splat(0);
    case VL_LEAKY_RELU: return y > 0 ? splat(1) : splat(f.parameter);
    case VL_TANH: return 1 - y * y;
    case VL_HARD_TANH: return y > -1 ? (y < 1 ? splat(1) : splat(0)) : splat(0);
    case VL_SIGMOID: return y * (1 - y);
    case VL_SELU: return y > 0 ? splat(SELU_SCALE) : y + SELU_SCALE * SELU_ALPHA;
    case VL_ELU: return y > 0 ? splat(1) : y + f.parameter;
    case VL_SOFTPLUS: return -exponential_minus_one(-y);
    case VL_SHIFTED_RELU: return y > -1 ? splat(1) : splat(0);
    case VL_ERF:
    case VL_UNIT_ERF:
    case VL_SILU:
    case VL_GELU: break;
  }
  return splat(NAN);
}

/// The gradient before the activation: g times the slope. The slope follows from the activation's
/// operand r, or from its result.
INLINE vf gradient_before(vl_activation f, int from_output, vf g, vf r) {
  if (f.kind == VL_RELU) return r > 0 ? g : splat(0);
  return g * (from_output ? slope_from_output(f, r) : slope_at(f, r));
}

/// Runs the statement with the two most common activations as constants, for tight loops.
#define BY_ACTIVATION(activation, STATEMENT)   \
  if ((activation).kind == VL_RELU) {          \
    const vl_activation PHI = {VL_RELU, 0};    \
    STATEMENT;                                 \
  } else if ((activation).kind == VL_LINEAR) { \
    const vl_activation PHI = {VL_LINEAR, 0};  \
    STATEMENT;                                 \
  } else {                                     \
    const vl_activation PHI = (activation);    \
    STATEMENT;                                 \
  }
