// Mean and squared deviations of numbers, lane by lane.
//
//   Moments   the count of some numbers, their mean, and the sum of their squared deviations from it;
//             two are merged by Chan's formula
//   Series    a few numbers as they come: sums of d and d^2, where d is the difference from the first
//
// Of the n numbers of a Series the squared deviations are sum of d^2 - (sum of d)^2 / n. The first
// number x0 is one of them, so sum of d^2 = sum of (x - mean)^2 + n (x0 - mean)^2 is at most 1 + n
// times what is wanted, whatever the mean: a Series of one tile loses few bits. Moments are merged.
//
// Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance" (1983). Deterministic.
// uses: common/real.cl

typedef struct {
  accum count;
  accums mean;
  accums squares;
} Moments;

typedef struct {
  accum count;
  accums first;
  accums sum;
  accums squares;
} Series;

static inline Moments no_moments(void) {
  const Moments none = {0, SPREAD(0), SPREAD(0)};
  return none;
}

static inline Series empty_series(void) {
  const Series empty = {0, SPREAD(0), SPREAD(0), SPREAD(0)};
  return empty;
}

// The caller sets `first` if this is the first, and counts.
static inline void observe(Series *series, const accums number) {
  const accums difference = number - series->first;
  series->sum += difference;
  series->squares = fma(difference, difference, series->squares);
}

static inline Moments moments_of(const Series *series) {
  const accum share = series->count > 0 ? 1 / series->count : 0;
  const accums distance = series->sum * share;
  const Moments moments = {series->count, series->first + distance,
                           fma(-series->sum, distance, series->squares)};
  return moments;
}

static inline Moments merge_moments(const Moments a, const Moments b) {
  if (a.count == 0) return b;
  Moments both = a;
  both.count = a.count + b.count;
  if (b.count > 0) {
    const accums delta = b.mean - a.mean;
    const accum share = b.count / both.count;
    both.mean = fma(delta, SPREAD(share), a.mean);
    both.squares = fma(delta * delta, SPREAD(a.count * share), a.squares + b.squares);
  }
  return both;
}

// The moments of all items of a group's column, in row 0. The group is `columns` by `rows` items, rows a
// power of two, and this is item number row * columns + column. The arrays have a place for each item.
INLINE Moments merge_over_rows(Moments own, const int item, const int columns, const int rows,
                               local accum *counts, local accums *means, local accums *squares) {
  const int row = item / columns;
  barrier(CLK_LOCAL_MEM_FENCE);
  counts[item] = own.count;
  means[item] = own.mean;
  squares[item] = own.squares;
  for (int half_rows = rows / 2; half_rows > 0; half_rows /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (row < half_rows) {
      const int other = item + half_rows * columns;
      const Moments theirs = {counts[other], means[other], squares[other]};
      own = merge_moments(own, theirs);
      counts[item] = own.count;
      means[item] = own.mean;
      squares[item] = own.squares;
    }
  }
  return own;
}
