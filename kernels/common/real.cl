// Number types, and vectors of WIDTH numbers.
//
//   real    an element of a tensor in memory
//   accum   the type of arithmetic, of stored sums and of per-channel vectors
//   accums  WIDTH of those
//
// Storage: exactly one of STORAGE_FLOAT, STORAGE_DOUBLE, STORAGE_HALF, STORAGE_BFLOAT16; float
// if none is defined. The 16-bit types compute in float and round to nearest even when stored.
// Half goes through vload_half and vstore_half, which need no extension; bfloat16 is the upper half
// of a float. Rounding equals IsometryCore's HalfPrecision bit for bit. Vectors of both are accessed as
// words of two numbers: PTX has no access of 8 narrow numbers, and NVIDIA accesses halves one by one.
//
// Tunable: WIDTH 1, 2, 4, 8 or 16.
// uses: common/language.cl

#ifndef WIDTH
#define WIDTH 1
#endif
#if WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 8 && WIDTH != 16
#error "WIDTH is 1, 2, 4, 8 or 16"
#endif

#define JOIN_TOKENS(a, b) a##b
#define JOIN(a, b) JOIN_TOKENS(a, b)

#if defined(STORAGE_DOUBLE)
typedef double real;
typedef double accum;
#define ACCUM double
#elif defined(STORAGE_HALF)
typedef half real;
typedef float accum;
#define ACCUM float
#elif defined(STORAGE_BFLOAT16)
typedef ushort real;
typedef float accum;
#define ACCUM float
#else
typedef float real;
typedef float accum;
#define ACCUM float
#endif

#if WIDTH == 1
typedef accum accums;
#define LANES_TO_VECTOR(lanes) (*(lanes))
#define VECTOR_TO_LANES(value, lanes) (*(lanes) = (value))
#else
typedef JOIN(ACCUM, WIDTH) accums;
#define LANES_TO_VECTOR(lanes) JOIN(vload, WIDTH)(0, lanes)
#define VECTOR_TO_LANES(value, lanes) JOIN(vstore, WIDTH)(value, 0, lanes)
#endif

// For functions that take local arrays: PoCL 3.1 gives a kernel's local array to all its threads at once
// if it is handed to a function that is not inlined.
#define INLINE static inline __attribute__((always_inline))

// A number of the arithmetic's type, and the same in every lane.
#define NUMBER(literal) ((accum)(literal))
#define SPREAD(number) ((accums)((accum)(number)))

static inline ushort bfloat16_bits(const float value) {
  const uint bits = as_uint(value);
  return (bits & 0x7FFFFFFFu) > 0x7F800000u
             ? (ushort)((bits >> 16) | 0x40u)
             : (ushort)((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

#if WIDTH > 1 && (defined(STORAGE_BFLOAT16) || defined(STORAGE_HALF))
#define WORDS_2
#define WORDS_4 2
#define WORDS_8 4
#define WORDS_16 8
#define WORDS JOIN(WORDS_, WIDTH)
typedef JOIN(uint, WORDS) words;

static inline accums numbers_of(const words bits) {
#if defined(STORAGE_HALF)
  return JOIN(vload_half, WIDTH)(0, (const half *)&bits);
#else
  accums numbers;
  INTERLEAVE(numbers, JOIN(as_float, WORDS)(bits << 16), JOIN(as_float, WORDS)(bits & 0xFFFF0000u));
  return numbers;
#endif
}

static inline words words_of(const accums numbers) {
#if defined(STORAGE_HALF)
  JOIN(ushort, WIDTH) halves;
  JOIN(JOIN(vstore_half, WIDTH), _rte)(numbers, 0, (half *)&halves);
  return JOIN(as_uint, WORDS)(halves);
#else
  const JOIN(uint, WIDTH) bits = JOIN(as_uint, WIDTH)(numbers);
  const JOIN(uint, WIDTH) rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const JOIN(uint, WIDTH) quiet = (bits >> 16) | 0x40u;
  const JOIN(uint, WIDTH) halves = SELECT((bits & 0x7FFFFFFFu) > 0x7F800000u, quiet, rounded);
  return EVEN(halves) | ODD(halves) << 16;
#endif
}
#endif

static inline accum load_real(const global real *p) {
#if defined(STORAGE_HALF)
  return vload_half(0, p);
#elif defined(STORAGE_BFLOAT16)
  return as_float((uint)*p << 16);
#else
  return *p;
#endif
}

static inline void store_real(const accum value, global real *p) {
#if defined(STORAGE_HALF)
  vstore_half_rte(value, 0, p);
#elif defined(STORAGE_BFLOAT16)
  *p = bfloat16_bits(value);
#else
  *p = value;
#endif
}

// WIDTH elements from p on, as one access: p is aligned to the whole vector. Storages begin at
// multiples of 128 bytes (SharedDevice.alignment), and vectors at multiples of WIDTH elements in them.
static inline accums load_reals(const global real *p) {
#if WIDTH == 1
  return load_real(p);
#elif defined(STORAGE_HALF) || defined(STORAGE_BFLOAT16)
  return numbers_of(*(const global words *)p);
#else
  return *(const global accums *)p;
#endif
}

static inline void store_reals(const accums value, global real *p) {
#if WIDTH == 1
  store_real(value, p);
#elif defined(STORAGE_HALF) || defined(STORAGE_BFLOAT16)
  *(global words *)p = words_of(value);
#else
  *(global accums *)p = value;
#endif
}

// Sums and per-channel vectors, which are never rounded to 16 bits.
static inline accums load_accums(const global accum *p) { return *(const global accums *)p; }
static inline void store_accums(const accums value, global accum *p) {
  *(global accums *)p = value;
}

// The first `count` (at most WIDTH) elements from p on, and zeros; for the end of flat arrays.
static inline accums load_some(const global real *p, const size_t count) {
  if (count >= WIDTH) return load_reals(p);
  accum lanes[WIDTH];
  for (size_t i = 0; i < WIDTH; ++i) lanes[i] = i < count ? load_real(p + i) : (accum)0;
  return LANES_TO_VECTOR(lanes);
}

static inline void store_some(const accums value, global real *p, const size_t count) {
  if (count >= WIDTH) {
    store_reals(value, p);
    return;
  }
  accum lanes[WIDTH];
  VECTOR_TO_LANES(value, lanes);
  for (size_t i = 0; i < count; ++i) store_real(lanes[i], p + i);
}

// The sum of the lanes, always in the same order.
static inline accum sum_of_lanes(const accums value) {
  accum lanes[WIDTH];
  VECTOR_TO_LANES(value, lanes);
  accum total = lanes[0];
  for (int i = 1; i < WIDTH; ++i) total += lanes[i];
  return total;
}

// Where a tensor of a table begins in its slab: tables count in units of 16 elements, so that slabs
// may have more elements than 32 bits count (TableWord in LaunchPlan.swift makes the tables).
#define TABLE_UNIT 16
#define TABLE_PLACE(units) ((size_t)(units)*TABLE_UNIT)
