// Sums over the parts of arrays, many in one launch:
//
//   y[c] = sum of partial[part, c] over part < parts, in order
//
// The arrays lie in a slab; table rows of 8 uint say where (IsometryLowering/PartialSums.swift makes them),
// the first two in units of TABLE_UNIT elements from the slab's beginning:
//   0 partial  1 y  2 first column of partial  3 first column of y  4 columns
//   5 elements from one part to the next  6 parts
//   7 bit 0: 2 to 5 are multiples of WIDTH; bit 1: partial is real, else accum
// y is accum.
//
// Other kernels take rows of the table along, perhaps none. Their groups from first_adding_group on,
// counted along axis adding_axis, add up a row each and leave (ADD_UP_PARTS). Deterministic.
// uses: common/real.cl

static inline accum load_part(const global accum *slab, const size_t place, const int is_real) {
  return is_real ? load_real((const global real *)slab + place) : slab[place];
}

static inline accums load_parts(const global accum *slab, const size_t place, const int is_real) {
  return is_real ? load_reals((const global real *)slab + place) : load_accums(slab + place);
}

// A row of the table by `items` work-items, of which this is number `item`.
static inline void add_up_parts(global accum *slab, const global uint *entry, const int item,
                                const int items) {
  const size_t from = TABLE_PLACE(entry[0]) + entry[2];
  global accum *to = slab + TABLE_PLACE(entry[1]) + entry[3];
  const int columns = entry[4];
  const size_t stride = entry[5];
  const int parts = entry[6];
  const int is_whole = entry[7] & 1;
  const int is_real = entry[7] & 2;
  if (is_whole) {
    for (int column = item * WIDTH; column < columns; column += items * WIDTH) {
      accums sum = SPREAD(0);
      for (int part = 0; part < parts; ++part) {
        sum += load_parts(slab, from + part * stride + column, is_real);
      }
      store_accums(sum, to + column);
    }
  } else {
    for (int column = item; column < columns; column += items) {
      accum sum = 0;
      for (int part = 0; part < parts; ++part) {
        sum += load_part(slab, from + part * stride + column, is_real);
      }
      to[column] = sum;
    }
  }
}

#define PARTS_ARGUMENTS                                                 \
  , global accum *slab, const global uint *table, const int table_rows, \
      const int first_adding_group, const int adding_axis
#define ADD_UP_PARTS                                                                         \
  const int adding_group = (int)get_group_id(adding_axis) - first_adding_group;              \
  if (adding_group >= 0) {                                                                   \
    const int second = (adding_axis + 1) % 3, third = (adding_axis + 2) % 3;                 \
    const int line = adding_group * (int)get_num_groups(second) + (int)get_group_id(second); \
    const int row = line * (int)get_num_groups(third) + (int)get_group_id(third);            \
    if (row < table_rows) {                                                                  \
      add_up_parts(slab, table + (size_t)row * 8,                                            \
                   (int)(get_local_id(1) * get_local_size(0) + get_local_id(0)),             \
                   (int)(get_local_size(0) * get_local_size(1)));                            \
    }                                                                                        \
    return;                                                                                  \
  }
