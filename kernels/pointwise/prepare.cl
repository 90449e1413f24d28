// Copies of variables in another order of axes or another type, all of a step in one launch:
//
//   y[i, j] (packed rows of `columns`) = x[i si + j sj], rounded to `real`
//
// for planes of tensors, cut into tiles of TILE by TILE. Sources lie in the slab `variables`, results in
// the slab `results`. A row of the table is 10 uint: 0 source, 1 result (TABLE_PLACE), 2 and 3 the
// plane's first element in each, 4 and 5 the tile's first row and column, 6 and 7 the plane's rows and
// columns, 8 si, 9 sj.
//
// Geometry: one group a row of the table. A tile goes through local memory, so that neighboring items
// read and write neighboring elements whichever of the two axes is innermost in the source. Tunables:
// TILE and LOCAL_SIZE, a multiple of TILE. Deterministic.
// uses: common/line.cl common/source.cl

#ifndef TILE
#define TILE 32
#endif

LINE_KERNEL void prepare_variables(const global source *variables, global real *results,
                                   const global uint *restrict table) {
  LOCAL_ARRAY accum tile[TILE][TILE + 1];
  const global uint *entry = table + (size_t)get_group_id(0) * 10;
  const global source *x = variables + TABLE_PLACE(entry[0]) + entry[2];
  global real *y = results + TABLE_PLACE(entry[1]) + entry[3];
  const uint first_row = entry[4];
  const uint first_column = entry[5];
  const uint rows = min((uint)TILE, entry[6] - first_row);
  const uint columns = min((uint)TILE, entry[7] - first_column);
  const size_t row_step = entry[8];
  const size_t column_step = entry[9];
  x += first_row * row_step + first_column * column_step;
  y += (size_t)first_row * entry[7] + first_column;
  // Neighboring items take neighboring elements of a line, of the source first, then of the result.
  const uint lane = get_local_id(0) % TILE;
  const uint line = get_local_id(0) / TILE;
  if (row_step < column_step) {
    for (uint j = line; j < columns; j += LOCAL_SIZE / TILE) {
      const global source *from = x + j * column_step;
      for (uint i = lane; i < rows; i += TILE) tile[i][j] = load_source(from + i * row_step);
    }
  } else {
    for (uint i = line; i < rows; i += LOCAL_SIZE / TILE) {
      const global source *from = x + i * row_step;
      for (uint j = lane; j < columns; j += TILE) tile[i][j] = load_source(from + j * column_step);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint i = line; i < rows; i += LOCAL_SIZE / TILE) {
    global real *to = y + (size_t)i * entry[7];
    for (uint j = lane; j < columns; j += TILE) store_real(tile[i][j], to + j);
  }
}
