// One optimizer step for many parameters in one launch; the rules are IsometryGraph's Update.Rule.
//
//   optimizer_sgd        g += decay p; m = momentum m + g; p -= rate d, where d = m or, with Nesterov
//                        momentum, d = g + momentum m
//   optimizer_adam       m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
//                        p -= rate mhat / (sqrt(vhat) + epsilon); decay as in Adam or AdamW
//   optimizer_rms        s = alpha s + (1 - alpha) g^2; b = momentum b + g / (sqrt(s) + epsilon);
//                        p -= rate b
//   with g = gradient * gradient_scale[0] and rate = schedule[0] * the parameter's rate scale.
//   A gradient scale of 0 leaves everything as it is.
//
// Parameters lie in the slab `parameters`, their slots in `slots`, gradients in `gradients`
// (perhaps all the same memory); table rows of 8 uint say where, in units of TABLE_UNIT elements
// from the slab's beginning:
//   0 parameter  1 gradient  2 first slot  3 second slot  4 elements  5 number of the parameter
// and settings[2 i], settings[2 i + 1] are weight decay and rate scale of parameter i. A row covers
// a part of one parameter (IsometryLowering/Operations/Update.swift makes both).
//
// optimizer/variables.cl has the other kernels of the program, which the same step launches.
//
// Geometry: one group a row of the table; items take vectors of WIDTH in turn.
// schedule: float [2], learning rate and step from 1.
// Deterministic: elements are independent.
// uses: common/line.cl common/real.cl optimizer/variables.cl

#define OPTIMIZER_ARGUMENTS                                                     \
  global real *parameters, global real *slots, const global real *gradients,    \
      const global uint *restrict table, const global accum *restrict settings, \
      const global float *restrict schedule, const global accum *restrict gradient_scale

// Declares the row's places (of the slots, the first) and settings, and leaves where the step is to
// be skipped.
#define TABLE_ROW                                                  \
  const accum factor = gradient_scale[0];                          \
  if (factor == 0) return;                                         \
  const global uint *entry = table + (size_t)get_group_id(0) * 8;  \
  global real *parameter = parameters + TABLE_PLACE(entry[0]);     \
  const global real *gradient = gradients + TABLE_PLACE(entry[1]); \
  global real *first_slot = slots + TABLE_PLACE(entry[2]);         \
  const size_t count = entry[4];                                   \
  const accum decay = settings[2 * entry[5]];                      \
  const accum rate = (accum)schedule[0] * settings[2 * entry[5] + 1];

#define FOR_EACH_VECTOR_OF_ROW \
  for (size_t at = get_local_id(0) * (size_t)WIDTH; at < count; at += (size_t)LOCAL_SIZE * WIDTH)

LINE_KERNEL void optimizer_sgd(OPTIMIZER_ARGUMENTS, const accum momentum, const int nesterov) {
  TABLE_ROW
  FOR_EACH_VECTOR_OF_ROW {
    const size_t left = count - at;
    const accums p = load_some(parameter + at, left);
    accums g = fma(load_some(gradient + at, left), SPREAD(factor), p * decay);
    if (momentum != 0) {
      const accums m = fma(load_some(first_slot + at, left), SPREAD(momentum), g);
      store_some(m, first_slot + at, left);
      g = nesterov ? fma(m, SPREAD(momentum), g) : m;
    }
    store_some(fma(-g, SPREAD(rate), p), parameter + at, left);
  }
}

// new_share = 1 - beta comes from outside, since in fp32 1 - 0.999 cancels to 1.3e-5 too little; the
// logarithms of the betas give 1 - beta^t without cancellation.
LINE_KERNEL void optimizer_adam(OPTIMIZER_ARGUMENTS, const accum beta1, const accum beta2,
                                const accum new_share1, const accum new_share2,
                                const accum log_beta1, const accum log_beta2, const accum epsilon,
                                const int decoupled) {
  TABLE_ROW
  global real *second_slot = slots + TABLE_PLACE(entry[3]);
  const accum step = (accum)schedule[1];
  const accum correction1 = -expm1(step * log_beta1);
  const accum correction2 = -expm1(step * log_beta2);
  FOR_EACH_VECTOR_OF_ROW {
    const size_t left = count - at;
    accums p = load_some(parameter + at, left);
    accums g = load_some(gradient + at, left) * factor;
    if (decoupled) {
      p = fma(-p, SPREAD(rate * decay), p);
    } else {
      g = fma(p, SPREAD(decay), g);
    }
    const accums m = fma(load_some(first_slot + at, left), SPREAD(beta1), g * new_share1);
    const accums v = fma(load_some(second_slot + at, left), SPREAD(beta2), g * g * new_share2);
    store_some(m, first_slot + at, left);
    store_some(v, second_slot + at, left);
    const accums direction = (m / correction1) / (sqrt(v / correction2) + epsilon);
    store_some(fma(-direction, SPREAD(rate), p), parameter + at, left);
  }
}

LINE_KERNEL void optimizer_rms(OPTIMIZER_ARGUMENTS, const accum alpha, const accum new_share,
                               const accum epsilon, const accum momentum) {
  TABLE_ROW
  global real *second_slot = slots + TABLE_PLACE(entry[3]);
  FOR_EACH_VECTOR_OF_ROW {
    const size_t left = count - at;
    const accums p = load_some(parameter + at, left);
    const accums g = fma(load_some(gradient + at, left), SPREAD(factor), p * decay);
    const accums s = fma(load_some(first_slot + at, left), SPREAD(alpha), g * g * new_share);
    store_some(s, first_slot + at, left);
    accums b = g / (sqrt(s) + epsilon);
    if (momentum != 0) {
      b = fma(load_some(second_slot + at, left), SPREAD(momentum), b);
      store_some(b, second_slot + at, left);
    }
    store_some(fma(-b, SPREAD(rate), p), parameter + at, left);
  }
}
