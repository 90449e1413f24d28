// Other writes to variables, many in one launch, and the scalars that steer an update.
//
//   optimizer_running_average   running = (1 - momentum) running + momentum correction value
//   optimizer_accumulate        variable += value
//   optimizer_gradient_scale    the factor of GradientScale (IsometryGraph), from the norm
//   optimizer_loss_scale        the rule of LossScaling: halve on overflow down to a minimum, double
//                               after a good run up to a maximum
//
// Variables lie in the slab `state`, values in the slab `values` (perhaps the same memory). Table
// rows of 8 uint as in optimizer/update.cl: 0 variable, 1 value, 4 elements, 5 number of the pair;
// settings[2 i] and settings[2 i + 1] are momentum and momentum * correction of pair i.
//
// Geometry: one group a row of the table, items take vectors of WIDTH in turn; the scalar kernels
// are one item. Deterministic.
// uses: common/line.cl common/real.cl

LINE_KERNEL void optimizer_running_average(global real *state, const global real *values,
                                           const global uint *restrict table,
                                           const global accum *restrict settings) {
  const global uint *entry = table + (size_t)get_group_id(0) * 8;
  global real *running = state + TABLE_PLACE(entry[0]);
  const global real *value = values + TABLE_PLACE(entry[1]);
  const size_t count = entry[4];
  const accum keep = 1 - settings[2 * entry[5]];
  const accum take = settings[2 * entry[5] + 1];
  for (size_t at = get_local_id(0) * (size_t)WIDTH; at < count; at += (size_t)LOCAL_SIZE * WIDTH) {
    const size_t left = count - at;
    store_some(fma(load_some(running + at, left), SPREAD(keep), load_some(value + at, left) * take),
               running + at, left);
  }
}

LINE_KERNEL void optimizer_accumulate(global real *state, const global real *values,
                                      const global uint *restrict table) {
  const global uint *entry = table + (size_t)get_group_id(0) * 8;
  global real *variable = state + TABLE_PLACE(entry[0]);
  const global real *value = values + TABLE_PLACE(entry[1]);
  const size_t count = entry[4];
  for (size_t at = get_local_id(0) * (size_t)WIDTH; at < count; at += (size_t)LOCAL_SIZE * WIDTH) {
    const size_t left = count - at;
    store_some(load_some(variable + at, left) + load_some(value + at, left), variable + at, left);
  }
}

// maximum_norm 0 stands for no clipping. The norm is that of the scaled gradients.
KERNEL(1)
void optimizer_gradient_scale(const global accum *restrict scaled_norm,
                              const global accum *restrict loss_scale,
                              global accum *restrict factor, const accum maximum_norm,
                              const int has_loss_scale, const accum minimum_loss_scale) {
  const accum scale = has_loss_scale ? loss_scale[0] : (accum)1;
  const accum norm = scaled_norm[0] / scale;
  accum result = 1 / scale;
  if (maximum_norm > 0 && norm > maximum_norm) result *= maximum_norm / norm;
  // If no smaller loss scale can help, an infinite norm would give 0 and skip every step from here
  // on: NaN, so that the run stops.
  const int may_retry = has_loss_scale && scale > minimum_loss_scale;
  if (!isfinite(scaled_norm[0])) result = may_retry ? (accum)0 : (accum)NAN;
  factor[0] = result;
}

KERNEL(1)
void optimizer_loss_scale(global accum *restrict loss_scale, global accum *restrict good_steps,
                          const global accum *restrict scaled_norm, const accum growth_interval,
                          const accum minimum, const accum maximum) {
  if (!isfinite(scaled_norm[0])) {
    loss_scale[0] = fmax(loss_scale[0] / 2, minimum);
    good_steps[0] = 0;
    return;
  }
  const accum steps = good_steps[0] + 1;
  if (steps >= growth_interval) {
    loss_scale[0] = fmin(loss_scale[0] * 2, maximum);
    good_steps[0] = 0;
  } else {
    good_steps[0] = steps;
  }
}
