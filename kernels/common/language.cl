// One language for kernels: OpenCL C 1.2, and in CUDA C++ what NVRTC lacks of it. Where the two differ, a
// construct has a name of its own:
//
//   KERNEL(items)         begins an entry point; a group has `items` work-items along one axis
//   DENSE_KERNEL(items)   the same where many groups on a multiprocessor matter more than registers
//   LOCAL_ARRAY           begins the declaration of a kernel's array in local memory
//   LOCAL_ADDRESS(p)      the 32-bit address that PTX takes for local memory
//   VECTOR(type)          begins a vector of its elements: VECTOR(uint2)(low, high)
//   SELECT(test, a, b)    lane by lane a where the test holds, else b
//   PAIR(v, i, j)         the lanes i and j of a vector
//   EVEN(v), ODD(v)       every other lane of a vector, from lane 0 or 1 on; one number of two
//   INTERLEAVE(v, a, b)   makes EVEN(v) = a and ODD(v) = b
//
// In CUDA C++ `local` and `global` qualify pointers alone, with no effect: addresses are generic. The types
// of vectors have the sizes, alignments and operators of OpenCL C, as far as kernels use them. Half is a
// type of storage.

#if !defined(__CUDACC_RTC__)

// Products and sums are fused only where a kernel says fma: compilers would choose differently, and a
// number must have the same bits in every kernel that computes it. NVRTC has an option for it.
#pragma OPENCL FP_CONTRACT OFF
#if defined(STORAGE_DOUBLE) || defined(SOURCE_DOUBLE)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define KERNEL(items) kernel __attribute__((reqd_work_group_size(items, 1, 1)))
#define DENSE_KERNEL KERNEL
#define LOCAL_ARRAY local
#define LOCAL_ADDRESS(pointer) ((uint)(size_t)(pointer))
#define VECTOR(type) (type)
#define SELECT(test, a, b) ((test) ? (a) : (b))
#define PAIR(vector, i, j) ((vector).s##i##j)
#define EVEN(vector) ((vector).even)
#define ODD(vector) ((vector).odd)
#define INTERLEAVE(vector, a, b) ((vector).even = (a), (vector).odd = (b))

#else

// NVRTC defines __global__ by the word that `global` replaces below.
#undef __global__
#define ENTRY_POINT extern "C" __attribute__((__global__))
// The second number is the groups for which registers suffice; without it some kernels spill a few.
#define KERNEL(items) ENTRY_POINT __launch_bounds__(items, 1)
#define DENSE_KERNEL(items) ENTRY_POINT __launch_bounds__(items)
#define LOCAL_ARRAY __shared__
#define LOCAL_ADDRESS(pointer) ((uint)__cvta_generic_to_shared(pointer))
#define VECTOR(type) type
#define SELECT(test, a, b) select_lanes(test, a, b)
#define PAIR(vector, i, j) pair_of(vector, i, j)
#define EVEN(vector) half_of(vector, 0)
#define ODD(vector) half_of(vector, 1)
#define INTERLEAVE(vector, a, b) interleave(vector, a, b)

#define global
#define local
#define restrict __restrict__

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

struct half {
  ushort bits;
};

static inline size_t get_local_id(const int axis) {
  return axis == 0 ? threadIdx.x : axis == 1 ? threadIdx.y : threadIdx.z;
}
static inline size_t get_group_id(const int axis) {
  return axis == 0 ? blockIdx.x : axis == 1 ? blockIdx.y : blockIdx.z;
}
static inline size_t get_local_size(const int axis) {
  return axis == 0 ? blockDim.x : axis == 1 ? blockDim.y : blockDim.z;
}
static inline size_t get_num_groups(const int axis) {
  return axis == 0 ? gridDim.x : axis == 1 ? gridDim.y : gridDim.z;
}
static inline size_t get_global_id(const int axis) {
  return get_group_id(axis) * get_local_size(axis) + get_local_id(axis);
}

#define CLK_LOCAL_MEM_FENCE
#define barrier(fence) __syncthreads()

// The members of a vector: lanes, and names for the first four where there are no more.
template <typename T, int N>
struct Lanes {
  T lane[N];
};
template <typename T>
struct Lanes<T, 2> {
  union {
    T lane[2];
    struct {
      T x, y;
    };
  };
};
template <typename T>
struct Lanes<T, 4> {
  union {
    T lane[4];
    struct {
      T x, y, z, w;
    };
  };
};

// What a comparison of vectors gives.
template <int N>
struct Test {
  bool lane[N];
};

#define FOR_EACH_LANE _Pragma("unroll") for (int i = 0; i < N; ++i)
#define OPERATOR(name)                                            \
  friend Vector operator name(const Vector &a, const Vector &b) { \
    Vector result;                                                \
    FOR_EACH_LANE result.lane[i] = a.lane[i] name b.lane[i];      \
    return result;                                                \
  }                                                               \
  friend Vector &operator name##=(Vector &a, const Vector &b) { return a = a name b; }
#define COMPARISON(name)                                           \
  friend Test<N> operator name(const Vector &a, const Vector &b) { \
    Test<N> result;                                                \
    FOR_EACH_LANE result.lane[i] = a.lane[i] name b.lane[i];       \
    return result;                                                 \
  }
#define FUNCTION(name)                                \
  friend Vector name(const Vector &x) {               \
    Vector result;                                    \
    FOR_EACH_LANE result.lane[i] = ::name(x.lane[i]); \
    return result;                                    \
  }

// Numbers become vectors by themselves, with the number in every lane.
template <typename T, int N>
struct alignas(sizeof(T) * N) Vector : Lanes<T, N> {
  Vector() = default;
  Vector(const T number) { FOR_EACH_LANE this->lane[i] = number; }
  template <typename... More>
  Vector(const T first, const T second, const More... more) {
    const T numbers[N] = {first, second, T(more)...};
    FOR_EACH_LANE this->lane[i] = numbers[i];
  }
  Vector(const Vector<T, N / 2> &first, const Vector<T, N / 2> &rest) {
    FOR_EACH_LANE this->lane[i] = i < N / 2 ? first.lane[i] : rest.lane[i - N / 2];
  }
  OPERATOR(+)
  OPERATOR(-)
  OPERATOR(*)
  OPERATOR(/)
  OPERATOR(&)
  OPERATOR(|)
  OPERATOR(^)
  OPERATOR(<<)
  OPERATOR(>>)
  COMPARISON(<)
  COMPARISON(>)
  friend Vector operator-(const Vector &x) {
    Vector result;
    FOR_EACH_LANE result.lane[i] = -x.lane[i];
    return result;
  }
  FUNCTION(exp)
  FUNCTION(log)
  FUNCTION(expm1)
  FUNCTION(log1p)
  FUNCTION(tanh)
  FUNCTION(erf)
  FUNCTION(erfc)
  FUNCTION(fabs)
  FUNCTION(sqrt)
  friend Vector fma(const Vector &a, const Vector &b, const Vector &c) {
    Vector result;
    FOR_EACH_LANE result.lane[i] = ::fma(a.lane[i], b.lane[i], c.lane[i]);
    return result;
  }
};
#undef FOR_EACH_LANE
#undef OPERATOR
#undef COMPARISON
#undef FUNCTION

typedef Vector<uint, 2> Uint2;
typedef Vector<uint, 4> Uint4;
typedef Vector<float, 2> Float2;
typedef Vector<float, 4> Float4;
typedef Vector<double, 2> Double2;
typedef Vector<double, 4> Double4;
typedef Vector<ushort, 2> Ushort2;
typedef Vector<ushort, 4> Ushort4;
typedef Vector<uint, 8> uint8;
typedef Vector<uint, 16> uint16;
typedef Vector<float, 8> float8;
typedef Vector<float, 16> float16;
typedef Vector<double, 8> double8;
typedef Vector<double, 16> double16;
typedef Vector<ushort, 8> ushort8;
typedef Vector<ushort, 16> ushort16;
// CUDA has types of these names, without operators.
#define uint2 Uint2
#define uint4 Uint4
#define float2 Float2
#define float4 Float4
#define double2 Double2
#define double4 Double4
#define ushort2 Ushort2
#define ushort4 Ushort4

template <typename T>
static inline T select_lanes(const bool test, const T a, const T b) {
  return test ? a : b;
}
template <typename T, int N>
static inline Vector<T, N> select_lanes(const Test<N> &test, const Vector<T, N> &a,
                                        const Vector<T, N> &b) {
  Vector<T, N> result;
#pragma unroll
  for (int i = 0; i < N; ++i) result.lane[i] = test.lane[i] ? a.lane[i] : b.lane[i];
  return result;
}

template <typename T, int N>
static inline Vector<T, 2> pair_of(const Vector<T, N> &vector, const int i, const int j) {
  return Vector<T, 2>(vector.lane[i], vector.lane[j]);
}

template <typename T>
static inline T half_of(const Vector<T, 2> &vector, const int first) {
  return vector.lane[first];
}
template <typename T, int N>
static inline Vector<T, N / 2> half_of(const Vector<T, N> &vector, const int first) {
  Vector<T, N / 2> half;
#pragma unroll
  for (int i = 0; i < N / 2; ++i) half.lane[i] = vector.lane[2 * i + first];
  return half;
}

template <typename T>
static inline void interleave(Vector<T, 2> &vector, const T even, const T odd) {
  vector = Vector<T, 2>(even, odd);
}
template <typename T, int N>
static inline void interleave(Vector<T, N> &vector, const Vector<T, N / 2> &even,
                              const Vector<T, N / 2> &odd) {
#pragma unroll
  for (int i = 0; i < N; ++i) vector.lane[i] = i % 2 ? odd.lane[i / 2] : even.lane[i / 2];
}

template <typename To, typename From>
static inline To same_bits(const From &from) {
  static_assert(sizeof(To) == sizeof(From), "both have the same size");
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}
#define as_uint(value) same_bits<uint>(value)
#define as_uint2(value) same_bits<uint2>(value)
#define as_uint4(value) same_bits<uint4>(value)
#define as_uint8(value) same_bits<uint8>(value)
#define as_uint16(value) same_bits<uint16>(value)
#define as_float(value) same_bits<float>(value)
#define as_float2(value) same_bits<float2>(value)
#define as_float4(value) same_bits<float4>(value)
#define as_float8(value) same_bits<float8>(value)

// Vectors from and to numbers that are aligned as numbers.
template <int N, typename T>
static inline Vector<T, N> load_lanes(const T *p) {
  Vector<T, N> vector;
#pragma unroll
  for (int i = 0; i < N; ++i) vector.lane[i] = p[i];
  return vector;
}
template <typename T, int N>
static inline void store_lanes(const Vector<T, N> &vector, T *p) {
#pragma unroll
  for (int i = 0; i < N; ++i) p[i] = vector.lane[i];
}
#define vload2(place, p) load_lanes<2>(p)
#define vload4(place, p) load_lanes<4>(p)
#define vload8(place, p) load_lanes<8>(p)
#define vload16(place, p) load_lanes<16>(p)
#define vstore2(value, place, p) store_lanes(value, p)
#define vstore4(value, place, p) store_lanes(value, p)
#define vstore8(value, place, p) store_lanes(value, p)
#define vstore16(value, place, p) store_lanes(value, p)

static inline float load_half(const half *p) {
  float number;
  asm("cvt.f32.f16 %0, %1;" : "=f"(number) : "h"(p->bits));
  return number;
}
static inline void store_half(const float number, half *p) {
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(p->bits) : "f"(number));
}
template <int N>
static inline Vector<float, N> load_halves(const half *p) {
  Vector<float, N> vector;
#pragma unroll
  for (int i = 0; i < N; ++i) vector.lane[i] = load_half(p + i);
  return vector;
}
template <int N>
static inline void store_halves(const Vector<float, N> &vector, half *p) {
#pragma unroll
  for (int i = 0; i < N; ++i) store_half(vector.lane[i], p + i);
}
#define vload_half(place, p) load_half(p)
#define vload_half2(place, p) load_halves<2>(p)
#define vload_half4(place, p) load_halves<4>(p)
#define vload_half8(place, p) load_halves<8>(p)
#define vload_half16(place, p) load_halves<16>(p)
#define vstore_half_rte(value, place, p) store_half(value, p)
#define vstore_half2_rte(value, place, p) store_halves(value, p)
#define vstore_half4_rte(value, place, p) store_halves(value, p)
#define vstore_half8_rte(value, place, p) store_halves(value, p)
#define vstore_half16_rte(value, place, p) store_halves(value, p)

static inline uint mul_hi(const uint a, const uint b) { return __umulhi(a, b); }
#define NAN __int_as_float(0x7FC00000)

#endif
