// Sums of squares that do not overflow: squares of numbers beyond 2^40 are scaled by 2^-160 and added up
// apart (Blue, "A portable Fortran program to find the Euclidean norm of a vector", 1978). A NaN
// reaches the root, and an infinity too. Squares of numbers below 2^-63 are lost in fp32.
// uses: common/real.cl

#define SQUARES_LARGE NUMBER(0x1p40f)
#define SQUARES_SHRINK NUMBER(0x1p-80f)

static inline void add_squares(const accums x, accums *usual, accums *large) {
  const accums big = SELECT(fabs(x) > SPREAD(SQUARES_LARGE), x * SQUARES_SHRINK, SPREAD(0));
  const accums rest = SELECT(fabs(x) > SPREAD(SQUARES_LARGE), SPREAD(0), x);
  *usual += rest * rest;
  *large += big * big;
}

// The root of the sum of both.
static inline accum root_of_squares(const accum usual, const accum large) {
  if (large == 0) return sqrt(usual);
  return sqrt(large + usual * SQUARES_SHRINK * SQUARES_SHRINK) / SQUARES_SHRINK;
}
