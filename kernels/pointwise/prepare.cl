// Copies of variables in another order of axes or another type, and weights of 3x3 convolutions as
// Winograd's algorithm multiplies them (convolution/winograd.cl), all of a step in one launch.
//
//   a copy        y[i, j] (packed rows of `columns`) = x[i si + j sj], rounded to `real`
//   a transform   y[place, i, j] = (G w Gt)[place], where w[t] = x[i si + j sj + t st] of the nine taps t is
//                 rounded to `real` before; accum [36, rows, columns]
//
// for planes of tensors, cut into tiles of TILE by TILE. Sources lie in the slab `variables`, results in
// the slab `results`. A row of the table is 11 uint: 0 source, 1 result (TABLE_PLACE), 2 and 3 the
// plane's first element in each, 4 and 5 the tile's first row and column, 6 and 7 the plane's rows and
// columns, 8 si, 9 sj, 10 st, which is an int and 0 for copies.
//
// Geometry: one group a row of the table. A tile goes through local memory, so that neighboring items
// read and write neighboring elements whichever of the two axes is innermost in the source. Transforms
// take groups of one item, and WIDTH divides TILE (Preparations) and columns (Convolution.suitsWinograd).
// Tunables: TILE; LOCAL_SIZE, of which one of both is a multiple of the other; with HAS_TRANSFORMS
// WIDTH. Shape class: HAS_TRANSFORMS. Deterministic. After common/real.cl, common/source.cl,
// convolution/winograd.cl.

#ifndef HAS_TRANSFORMS
#define HAS_TRANSFORMS 0
#endif
#ifndef LOCAL_SIZE
#define LOCAL_SIZE 64
#endif
#ifndef TILE
#define TILE 32
#endif
#if LOCAL_SIZE < TILE
#define LANES LOCAL_SIZE
#else
#define LANES TILE
#endif

#if HAS_TRANSFORMS

#if LOCAL_SIZE != 1
#error "a transform is the work of one item"
#endif
#if defined(STORAGE_DOUBLE)
#error "the transforms' points are numbers in fp32"
#endif

// The transforms of a tile. `x` is its first element's first tap and `y` its result at the first place.
INLINE void transform_weights(const global source *x, const size_t row_step,
                              const size_t column_step, const int tap_step, const uint rows,
                              const uint columns, global accum *y, const uint line,
                              const size_t plane) {
  for (uint i = 0; i < rows; ++i) {
    for (uint j = 0; j < columns; j += WIDTH) {
      accums taps[KERNEL_SIDE * KERNEL_SIDE];
#pragma unroll
      for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; ++t) {
        const global source *from = x + i * row_step + j * column_step + (long)t * tap_step;
        accum lanes[WIDTH];
        for (int lane = 0; lane < WIDTH; ++lane)
          lanes[lane] = load_source(from + lane * column_step);
        // A square is [column][row].
        taps[t % KERNEL_SIDE * KERNEL_SIDE + t / KERNEL_SIDE] = rounded(LANES_TO_VECTOR(lanes));
      }
      transform_kernel(taps, (global accums *)(y + (size_t)i * line + j), plane / WIDTH);
    }
  }
}

#endif

kernel __attribute__((reqd_work_group_size(LOCAL_SIZE, 1, 1))) void prepare_variables(
    const global source *variables, global real *results, const global uint *restrict table) {
  local accum tile[TILE][TILE + 1];
  const global uint *entry = table + (size_t)get_group_id(0) * 11;
  const global source *x = variables + TABLE_PLACE(entry[0]) + entry[2];
  global real *y = results + TABLE_PLACE(entry[1]) + entry[3];
  const uint first_row = entry[4];
  const uint first_column = entry[5];
  const uint rows = min((uint)TILE, entry[6] - first_row);
  const uint columns = min((uint)TILE, entry[7] - first_column);
  const size_t row_step = entry[8];
  const size_t column_step = entry[9];
  x += first_row * row_step + first_column * column_step;
#if HAS_TRANSFORMS
  if (entry[10] != 0) {
    transform_weights(x, row_step, column_step, (int)entry[10], rows, columns,
                      (global accum *)results + TABLE_PLACE(entry[1]) +
                          (size_t)first_row * entry[7] + first_column,
                      entry[7], (size_t)entry[6] * entry[7]);
    return;
  }
#endif
  y += (size_t)first_row * entry[7] + first_column;
  // Neighboring items take neighboring elements of a line, of the source first, then of the result.
  const uint lane = get_local_id(0) % LANES;
  const uint line = get_local_id(0) / LANES;
  if (row_step < column_step) {
    for (uint j = line; j < columns; j += LOCAL_SIZE / LANES) {
      const global source *from = x + j * column_step;
      for (uint i = lane; i < rows; i += LANES) tile[i][j] = load_source(from + i * row_step);
    }
  } else {
    for (uint i = line; i < rows; i += LOCAL_SIZE / LANES) {
      const global source *from = x + i * row_step;
      for (uint j = lane; j < columns; j += LANES) tile[i][j] = load_source(from + j * column_step);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint i = line; i < rows; i += LOCAL_SIZE / LANES) {
    global real *to = y + (size_t)i * entry[7];
    for (uint j = lane; j < columns; j += LANES) store_real(tile[i][j], to + j);
  }
}
