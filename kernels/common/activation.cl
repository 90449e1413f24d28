// The activations of IsometryCore's Activation: values and derivatives, lane by lane.
//
// Shape class: ACTIVATION, one of the numbers below (0 where not defined: linear), and
// ACTIVATION_PARAMETER, leaky ReLU's slope or ELU's alpha. Activation.defines gives both.
//
// HAS_PROLOGUE (0 where not defined) says that phi is applied to what a kernel reads (common/prologue.cl).
// Bits of the argument `terms` of kernels with an epilogue say whether it adds a bias and a residual, or the
// addend of a gradient, and whether it applies phi or its derivative (Epilogue.terms, GradientEpilogue.terms).
// Every comparison lets NaN through, so that a diverged run shows itself.
// uses: common/real.cl

#define ACTIVATION_LINEAR 0
#define ACTIVATION_RELU 1
#define ACTIVATION_LEAKY_RELU 2
#define ACTIVATION_TANH 3
#define ACTIVATION_HARD_TANH 4
#define ACTIVATION_SIGMOID 5
#define ACTIVATION_ERF 6
#define ACTIVATION_UNIT_ERF 7
#define ACTIVATION_SELU 8
#define ACTIVATION_ELU 9
#define ACTIVATION_SOFTPLUS 10
#define ACTIVATION_SILU 11
#define ACTIVATION_GELU 12
#define ACTIVATION_SHIFTED_RELU 13

#ifndef ACTIVATION
#define ACTIVATION ACTIVATION_LINEAR
#endif
#if ACTIVATION < 0 || ACTIVATION > 13
#error "ACTIVATION is the number of one of the 14 activations"
#endif
#ifndef ACTIVATION_PARAMETER
#define ACTIVATION_PARAMETER 0
#endif
#ifndef HAS_PROLOGUE
#define HAS_PROLOGUE 0
#endif

#define TERM_BIAS 1
#define TERM_RESIDUAL 2
#define TERM_ACTIVATION 4

#define SELU_SCALE NUMBER(1.0507009873554805)
#define SELU_ALPHA NUMBER(1.6732632423543772)
#define UNIT_ERF_SCALE NUMBER(0.886226925452758)
#define TWO_OVER_ROOT_PI NUMBER(1.1283791670955126)
#define ONE_OVER_ROOT_TWO_PI NUMBER(0.3989422804014327)
#define ROOT_HALF NUMBER(0.7071067811865476)

static inline accums logistic(const accums x) { return NUMBER(1) / (NUMBER(1) + exp(-x)); }

static inline accums normal_distribution(const accums x) {
  return erfc(x * -ROOT_HALF) * NUMBER(0.5);
}

// phi(x)
static inline accums activate(const accums x) {
#if ACTIVATION == ACTIVATION_LINEAR
  return x;
#elif ACTIVATION == ACTIVATION_RELU
  return SELECT(x < SPREAD(0), SPREAD(0), x);
#elif ACTIVATION == ACTIVATION_LEAKY_RELU
  return SELECT(x > SPREAD(0), x, x * NUMBER(ACTIVATION_PARAMETER));
#elif ACTIVATION == ACTIVATION_TANH
  return tanh(x);
#elif ACTIVATION == ACTIVATION_HARD_TANH
  return SELECT(x < SPREAD(-1), SPREAD(-1), SELECT(x > SPREAD(1), SPREAD(1), x));
#elif ACTIVATION == ACTIVATION_SIGMOID
  return logistic(x);
#elif ACTIVATION == ACTIVATION_ERF
  return erf(x);
#elif ACTIVATION == ACTIVATION_UNIT_ERF
  return erf(x * UNIT_ERF_SCALE);
#elif ACTIVATION == ACTIVATION_SELU
  return SELU_SCALE * SELECT(x > SPREAD(0), x, SELU_ALPHA * expm1(x));
#elif ACTIVATION == ACTIVATION_ELU
  return SELECT(x > SPREAD(0), x, NUMBER(ACTIVATION_PARAMETER) * expm1(x));
#elif ACTIVATION == ACTIVATION_SOFTPLUS
  return SELECT(x < SPREAD(0), SPREAD(0), x) + log1p(exp(-fabs(x)));
#elif ACTIVATION == ACTIVATION_SILU
  return x / (NUMBER(1) + exp(-x));
#elif ACTIVATION == ACTIVATION_GELU
  return x * normal_distribution(x);
#else
  return SELECT(x < SPREAD(-1), SPREAD(-1), x);
#endif
}

// phi'(x); at a kink the derivative from the left
static inline accums activation_slope(const accums x) {
#if ACTIVATION == ACTIVATION_LINEAR
  return SPREAD(1);
#elif ACTIVATION == ACTIVATION_RELU
  return SELECT(x > SPREAD(0), SPREAD(1), SPREAD(0));
#elif ACTIVATION == ACTIVATION_LEAKY_RELU
  return SELECT(x > SPREAD(0), SPREAD(1), SPREAD(ACTIVATION_PARAMETER));
#elif ACTIVATION == ACTIVATION_TANH
  const accums y = tanh(x);
  return fma(-y, y, SPREAD(1));
#elif ACTIVATION == ACTIVATION_HARD_TANH
  return SELECT(x > SPREAD(-1), SELECT(x < SPREAD(1), SPREAD(1), SPREAD(0)), SPREAD(0));
#elif ACTIVATION == ACTIVATION_SIGMOID
  const accums y = logistic(x);
  return y * (NUMBER(1) - y);
#elif ACTIVATION == ACTIVATION_ERF
  return TWO_OVER_ROOT_PI * exp(-x * x);
#elif ACTIVATION == ACTIVATION_UNIT_ERF
  const accums scaled = x * UNIT_ERF_SCALE;
  return exp(-scaled * scaled);
#elif ACTIVATION == ACTIVATION_SELU
  return SELU_SCALE * SELECT(x > SPREAD(0), SPREAD(1), SELU_ALPHA * exp(x));
#elif ACTIVATION == ACTIVATION_ELU
  return SELECT(x > SPREAD(0), SPREAD(1), NUMBER(ACTIVATION_PARAMETER) * exp(x));
#elif ACTIVATION == ACTIVATION_SOFTPLUS
  return logistic(x);
#elif ACTIVATION == ACTIVATION_SILU
  const accums s = logistic(x);
  return s * fma(x, NUMBER(1) - s, SPREAD(1));
#elif ACTIVATION == ACTIVATION_GELU
  const accums share = normal_distribution(x);
  return fma(x * ONE_OVER_ROOT_TWO_PI, exp(x * x * NUMBER(-0.5)), share);
#else
  return SELECT(x > SPREAD(-1), SPREAD(1), SPREAD(0));
#endif
}

// phi'(x) from y = phi(x), for the activations that allow it; the others never call it
// (Activation.hasDerivativeFromOutput) and get NaN.
static inline accums activation_slope_from_output(const accums y) {
#if ACTIVATION == ACTIVATION_LINEAR
  return SPREAD(1);
#elif ACTIVATION == ACTIVATION_RELU
  return SELECT(y > SPREAD(0), SPREAD(1), SPREAD(0));
#elif ACTIVATION == ACTIVATION_LEAKY_RELU
  return SELECT(y > SPREAD(0), SPREAD(1), SPREAD(ACTIVATION_PARAMETER));
#elif ACTIVATION == ACTIVATION_TANH
  return fma(-y, y, SPREAD(1));
#elif ACTIVATION == ACTIVATION_HARD_TANH
  return SELECT(y > SPREAD(-1), SELECT(y < SPREAD(1), SPREAD(1), SPREAD(0)), SPREAD(0));
#elif ACTIVATION == ACTIVATION_SIGMOID
  return y * (NUMBER(1) - y);
#elif ACTIVATION == ACTIVATION_SELU
  return SELECT(y > SPREAD(0), SPREAD(SELU_SCALE), y + SELU_SCALE * SELU_ALPHA);
#elif ACTIVATION == ACTIVATION_ELU
  return SELECT(y > SPREAD(0), SPREAD(1), y + NUMBER(ACTIVATION_PARAMETER));
#elif ACTIVATION == ACTIVATION_SOFTPLUS
  return -expm1(-y);
#elif ACTIVATION == ACTIVATION_SHIFTED_RELU
  return SELECT(y > SPREAD(-1), SPREAD(1), SPREAD(0));
#else
  return SPREAD(NAN);
#endif
}
