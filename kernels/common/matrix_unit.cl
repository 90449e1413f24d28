// One warp's access to a matrix unit: everything that needs NVIDIA's PTX, behind names that need
// none.
//
//   multiply_fragments   sums += A B for a tile of 16 x 8, FRAGMENT_PRODUCTS products each
//                        (mma.sync.m16n8k16, m16n8k8 in fp32)
//   load_fragments       four 8x8 matrices of 16-bit numbers from local memory (ldmatrix.x4); in fp32
//                        8x4 matrices, which are not transposed
//   tf32_bits            a number of fp32 rounded to tf32 (cvt.rna); in fp32 alone
//   packed               WIDTH numbers of 16 bits in words, rounded to nearest even; not in fp32
//   copy_to_local        16 bytes from global to local memory, in the background (cp.async)
//   STREAMED, REUSED     whether those bytes bypass the first-level cache, or are kept in it (.cg, .ca)
//   commit_copies, wait_for_copies, synchronize_warp
//
// A warp is 32 neighboring work-items of a group of one axis. Each holds pieces of the tiles:
//
//   A [16][16], 4 words        B [16][8], 2 words        sums [16][8], 4 floats
//   word w of item l:          word w of item l:         float e of item l:
//     row l/4 + 8 (w % 2)        row 2 (l%4) + 8 w         row l/4 + 8 (e/2)
//     column 2 (l%4) + 8 (w/2)   column l/4                column 2 (l%4) + e % 2
//     and the next column        and the next row
//
// In fp32 a word is one number, in tf32, and fragments are half as deep:
//
//   A [16][8], 4 words         B [8][8], 2 words
//     row l/4 + 8 (w % 2)        row l%4 + 4 w
//     column l%4 + 4 (w/2)       column l/4
//
// load_fragments gives item l, as word w, the numbers 2 (l%4) and 2 (l%4) + 1 of row l/4 of matrix
// w, and with `transposed` the rows 2 (l%4) and 2 (l%4) + 1 of column l/4; row i of matrix w is the
// 16 bytes at the address that item 8 w + i passes. Two such numbers are one of fp32.
//
// MATRIX_UNIT_EMULATED (0 if not defined) replaces the PTX by plain OpenCL C, for any
// device: the same pieces in the same items, exchanged through local memory. Its copies arrive as
// late as wait_for_copies allows, so that a kernel that waits too little reads what was there
// before. Every function here must then be reached by the whole group together.
//
// Storage: STORAGE_BFLOAT16, STORAGE_HALF, or fp32, whose products are those of tf32: 10 bits
// behind the point, to the nearest, ties away from 0. PTX needs compute capability 8.0. Accumulator: float;
// the emulation adds products one after the other, a matrix unit in an order of its own, always the
// same. Deterministic. Source: the PTX ISA's tables of fragments.
// uses: common/real.cl

#ifndef MATRIX_UNIT_EMULATED
#define MATRIX_UNIT_EMULATED 0
#endif
#if defined(STORAGE_DOUBLE)
#error "matrix units take bf16, fp16 and fp32"
#endif

#define WARP_ITEMS 32

// Numbers of 16 bytes, and products of one multiplication.
#if defined(STORAGE_BFLOAT16) || defined(STORAGE_HALF)
#define CHUNK 8
#define FRAGMENT_PRODUCTS 16
#else
#define CHUNK 4
#define FRAGMENT_PRODUCTS 8
#endif

#if !MATRIX_UNIT_EMULATED

// In front of loops over registers. The emulation's barriers should not be many copies.
#define UNROLL _Pragma("unroll")

typedef struct {
  int lane;
} Warp;

// Declares `name`, the warp of this work-item; `warps` is how many a group has.
#define DECLARE_WARP(name, warps) \
  Warp name;                      \
  name.lane = get_local_id(0) % WARP_ITEMS

#if defined(STORAGE_HALF)
#define MULTIPLY_STATEMENT "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
#elif defined(STORAGE_BFLOAT16)
#define MULTIPLY_STATEMENT "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
#else
#define MULTIPLY_STATEMENT "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
#endif

static inline void multiply_fragments(Warp *warp, float *sums, const uint *a, const uint *b) {
  asm volatile(MULTIPLY_STATEMENT "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])
               : "memory");
}

#if CHUNK == 4
static inline uint tf32_bits(const float number) {
  uint bits;
  asm volatile("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(number));
  return bits;
}
#else
static inline uint packed_pair(const float2 pair) {
  uint word;
#if defined(STORAGE_HALF)
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(pair.y), "f"(pair.x));
#else
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(pair.y), "f"(pair.x));
#endif
  return word;
}

static inline words packed(const accums numbers) {
#if WIDTH == 8
  return VECTOR(uint4)(packed_pair(PAIR(numbers, 0, 1)), packed_pair(PAIR(numbers, 2, 3)),
                       packed_pair(PAIR(numbers, 4, 5)), packed_pair(PAIR(numbers, 6, 7)));
#else
  return VECTOR(uint2)(packed_pair(PAIR(numbers, 0, 1)), packed_pair(PAIR(numbers, 2, 3)));
#endif
}

// Results are rounded by the same instruction, which gives only NaNs other bits.
#define store_reals(value, p) (*(global words *)(p) = packed(value))
#endif

static inline void load_fragments(Warp *warp, uint *words, const local uint4 *row,
                                  const int transposed) {
  if (transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(LOCAL_ADDRESS(row))
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(LOCAL_ADDRESS(row))
                 : "memory");
  }
}

// Zeros arrive if `inside` is false; `from` is an address of the buffer all the same.
#define STREAMED "cg"
#define REUSED "ca"
#define copy_to_local(warp, to, from, inside, reuse)                                            \
  asm volatile("cp.async." reuse ".shared.global [%0], [%1], 16, %2;" ::"r"(LOCAL_ADDRESS(to)), \
               "l"(from), "r"((inside) ? 16 : 0)                                                \
               : "memory")

// Closes a set of copies, which may be empty.
static inline void commit_copies(Warp *warp) {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits for this item's sets, except for the youngest `sets`, a constant; others' need a barrier
// more.
#define wait_for_copies(warp, sets) asm volatile("cp.async.wait_group %0;" ::"n"(sets) : "memory")

static inline void synchronize_warp(Warp *warp) {
  asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
}

#else

#define UNROLL _Pragma("unroll 1")

// Copies that one item can have on their way, and sets of them.
#define MOST_COPIES 128
#define MOST_SETS 8

typedef struct {
  int lane;
  local ulong *exchange;  // [WARP_ITEMS][3]
  local uint4 *to[MOST_COPIES];
  const global uint4 *from[MOST_COPIES];
  int inside[MOST_COPIES];
  int ends[MOST_SETS];
  int copies;
  int arrived;
  int sets;
} Warp;

#define DECLARE_WARP(name, warps)                                                  \
  LOCAL_ARRAY ulong name##_exchange[(warps)*WARP_ITEMS * 3];                       \
  Warp name;                                                                       \
  name.lane = get_local_id(0) % WARP_ITEMS;                                        \
  name.exchange = name##_exchange + get_local_id(0) / WARP_ITEMS * WARP_ITEMS * 3; \
  name.copies = name.arrived = name.sets = 0

// Number `part` of a word.
static inline float fragment_number(const uint word, const int part) {
#if CHUNK == 4
  return as_float(word);
#else
  const ushort bits = (ushort)(part ? word >> 16 : word);
#if defined(STORAGE_HALF)
  return vload_half(0, (const half *)&bits);
#else
  return as_float((uint)bits << 16);
#endif
#endif
}

static inline void multiply_fragments(Warp *warp, float *sums, const uint *a, const uint *b) {
  local uint *words = (local uint *)warp->exchange;  // [WARP_ITEMS][6]: A's words, then B's
  for (int w = 0; w < 4; ++w) words[warp->lane * 6 + w] = a[w];
  for (int w = 0; w < 2; ++w) words[warp->lane * 6 + 4 + w] = b[w];
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int word = 0; word < 8; ++word) {
    for (int e = 0; e < 4; ++e) {
      const int row_item = warp->lane / 4 * 4 + word % 4;
      const int column_item = (warp->lane % 4 * 2 + e % 2) * 4 + word % 4;
      const uint left = words[row_item * 6 + e / 2 + word / 4 * 2];
      const uint right = words[column_item * 6 + 4 + word / 4];
      for (int part = 0; part < CHUNK / 4; ++part) {
        sums[e] = fma(fragment_number(left, part), fragment_number(right, part), sums[e]);
      }
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}

#if CHUNK == 4
static inline uint tf32_bits(const float number) {
  const uint bits = as_uint(number);
  return isfinite(number) ? (bits + 0x1000u) & ~0x1FFFu : bits;
}
#else
#define packed words_of
#endif

static inline void load_fragments(Warp *warp, uint *words, const local uint4 *row,
                                  const int transposed) {
  warp->exchange[warp->lane] = (ulong)(size_t)row;
  barrier(CLK_LOCAL_MEM_FENCE);
  const int outer = warp->lane / 4, inner = warp->lane % 4 * 2;
  for (int w = 0; w < 4; ++w) {
    const local ushort *first =
        (const local ushort *)(size_t)warp->exchange[8 * w + (transposed ? inner : outer)];
    const local ushort *second =
        (const local ushort *)(size_t)warp->exchange[8 * w + (transposed ? inner + 1 : outer)];
    words[w] = first[transposed ? outer : inner] | (uint)second[transposed ? outer : inner + 1]
                                                       << 16;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}

#define STREAMED 0
#define REUSED 1
static inline void copy_to_local(Warp *warp, local uint4 *to, const global real *from,
                                 const int inside, const int reuse) {
  const int at = warp->copies++ % MOST_COPIES;
  warp->to[at] = to;
  warp->from[at] = (const global uint4 *)from;
  warp->inside[at] = inside;
}

static inline void commit_copies(Warp *warp) {
  warp->ends[warp->sets++ % MOST_SETS] = warp->copies;
}

static inline void wait_for_copies(Warp *warp, const int sets) {
  if (warp->sets <= sets) return;
  const int end = warp->ends[(warp->sets - sets - 1) % MOST_SETS];
  for (; warp->arrived < end; ++warp->arrived) {
    const int at = warp->arrived % MOST_COPIES;
    *warp->to[at] = warp->inside[at] ? *warp->from[at] : VECTOR(uint4)(0);
  }
}

static inline void synchronize_warp(Warp *warp) { barrier(CLK_LOCAL_MEM_FENCE); }

#endif
