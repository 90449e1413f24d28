// The launches of an optimizer whose update is orthogonal, before and after its matrix products
// (IsometryGraph's OrthogonalUpdate):
//
//   orthogonal_direction   d = gradient_share g s + momentum_share m; partial = sum of d^2
//   orthogonal_normalize   d = d / (|d| + epsilon)
//   orthogonal_squares     partial = sum of p^2
//   orthogonal_step        p = p k - rate d; m = momentum m + s g
//   with s = scale[0], rate = schedule[0] * rate_scale, and k = (1 - rate decay) * (norm / |p|, or 1 if
//   norm is 0). |.| is the norm of the whole matrix. A scale of 0 leaves p and m as they are.
//
// Parameters, momenta and gradients lie in slabs (perhaps the same memory), a matrix's rows one after the
// other; `directions` is [matrices, rows, columns]. Table rows of 8 uint say where, the first three in
// units of TABLE_UNIT elements from the slab's beginning:
//   0 parameter  1 gradient  2 momentum  3 first element in `directions`  4 elements
//   5 first partial of the matrix  6 its partials  7 the row's own partial
// A row covers a part of one matrix (IsometryLowering/Operations/OrthogonalUpdate.swift makes them).
//
// Geometry: one group a row of the table; items take elements in turn. Tunable: LOCAL_SIZE.
// Accumulator: accum; error about eps * (elements / group size + log2 of the rest). Deterministic.
// uses: common/line.cl common/tree.cl

#if WIDTH != 1
#error "WIDTH is 1: a matrix may begin at any element of the directions"
#endif

#define EPSILON NUMBER(1e-12)
#define TABLE_ENTRY const global uint *entry = table + (size_t)get_group_id(0) * 8;
#define FOR_EACH_ELEMENT_OF_ROW for (size_t at = get_local_id(0); at < entry[4]; at += LOCAL_SIZE)

INLINE void store_partial(const accum own, const global uint *entry, global accum *partial,
                          local accum *tree) {
  const accum total = sum_over_rows(own, grid_of(1), tree);
  if (get_local_id(0) == 0) partial[entry[7]] = total;
}

INLINE accum norm_of_matrix(const global accum *partial, const global uint *entry,
                            local accum *tree) {
  accum own = 0;
  for (uint i = get_local_id(0); i < entry[6]; i += LOCAL_SIZE) own += partial[entry[5] + i];
  return sqrt(sum_over_rows(own, grid_of(1), tree)) + EPSILON;
}

LINE_KERNEL void orthogonal_direction(const global real *momenta, const global real *gradients,
                                      const global uint *restrict table,
                                      const global accum *restrict scale,
                                      global real *restrict directions,
                                      global accum *restrict partial, const accum gradient_share,
                                      const accum momentum_share) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  TABLE_ENTRY
  const global real *gradient = gradients + TABLE_PLACE(entry[1]);
  const global real *momentum = momenta + TABLE_PLACE(entry[2]);
  const accum share = gradient_share * scale[0];
  accum own = 0;
  FOR_EACH_ELEMENT_OF_ROW {
    const accum d = fma(load_real(gradient + at), share, load_real(momentum + at) * momentum_share);
    store_real(d, directions + entry[3] + at);
    own = fma(d, d, own);
  }
  store_partial(own, entry, partial, tree);
}

LINE_KERNEL void orthogonal_normalize(const global uint *restrict table,
                                      const global accum *restrict partial,
                                      global real *restrict directions) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  TABLE_ENTRY
  const accum factor = 1 / norm_of_matrix(partial, entry, tree);
  FOR_EACH_ELEMENT_OF_ROW {
    global real *d = directions + entry[3] + at;
    store_real(load_real(d) * factor, d);
  }
}

LINE_KERNEL void orthogonal_squares(const global real *restrict parameters,
                                    const global uint *restrict table,
                                    global accum *restrict partial) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  TABLE_ENTRY
  const global real *parameter = parameters + TABLE_PLACE(entry[0]);
  accum own = 0;
  FOR_EACH_ELEMENT_OF_ROW {
    const accum p = load_real(parameter + at);
    own = fma(p, p, own);
  }
  store_partial(own, entry, partial, tree);
}

LINE_KERNEL void orthogonal_step(global real *parameters, global real *momenta,
                                 const global real *gradients, const global uint *restrict table,
                                 const global float *restrict schedule,
                                 const global accum *restrict scale,
                                 const global real *restrict directions,
                                 const global accum *restrict partial, const accum momentum_share,
                                 const accum rate_scale, const accum decay, const accum norm) {
  LOCAL_ARRAY accum tree[LOCAL_SIZE];
  const accum s = scale[0];
  if (s == 0) return;
  TABLE_ENTRY
  global real *parameter = parameters + TABLE_PLACE(entry[0]);
  const global real *gradient = gradients + TABLE_PLACE(entry[1]);
  global real *momentum = momenta + TABLE_PLACE(entry[2]);
  const accum rate = (accum)schedule[0] * rate_scale;
  accum kept = 1 - rate * decay;
  if (norm > 0) kept *= norm / norm_of_matrix(partial, entry, tree);
  FOR_EACH_ELEMENT_OF_ROW {
    const accum d = load_real(directions + entry[3] + at);
    const accum m = load_real(momentum + at) * momentum_share;
    store_real(fma(load_real(gradient + at), s, m), momentum + at);
    store_real(fma(-d, rate, load_real(parameter + at) * kept), parameter + at);
  }
}
