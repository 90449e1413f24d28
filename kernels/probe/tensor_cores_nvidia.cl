// What NVIDIA's OpenCL compiler makes of the inline PTX that tensor-core kernels are built from.
//
// probe_matrix_tile   C = A transpose(B) for one 16x8x16 tile in bf16 with fp32 sums, by one warp:
//                     A and B go to local memory by plain stores, are read by ldmatrix and
//                     multiplied by mma.sync.m16n8k16
// probe_async_tile    the same with A and B brought to local memory by 16-byte cp.async
// probe_local_address address[0] = a __local array's address cast to 32 bits, address[1] = the
//                     whole pointer, address[2] = word 5 of the array (15) read through the
//                     32-bit address, address[3] = 5
// probe_matrix_rate   TILES independent accumulator tiles a warp, `rounds` of mma.sync each:
//                     4,096 * TILES * rounds operations a warp; nothing but tensor cores at work
//
// Layout:  a [16][16] and b [8][16] bf16 as ushort, k fastest; c [16][8] float, n fastest.
//
//             k 0..7  k 8..15
//   A m 0..7     0       2       the four 8x8 matrices of ldmatrix.x4, in the order in which
//     m 8..15    1       3       mma.sync wants its registers; lane l passes the address of row
//                                l % 16, columns from 8 * (l / 16)
//   B n 0..7     0       1       ldmatrix.x2: row l % 8, columns from 8 * (l / 8 % 2)
//
// Tunables: STATEMENT 0 volatile with a memory clobber, 1 volatile, 2 neither: what a compiler may
// do to the stores that fill the tile. TILES 1..16, GROUP a multiple of 32.
// Launch: one group of 32 for the tiles and the address; groups of GROUP for the rate.
// Needs compute capability 8.0. Error: products exact, sums in fp32. Deterministic.
// Source: the PTX ISA's fragment tables (mma.m16n8k16, ldmatrix).

#ifndef STATEMENT
#define STATEMENT 0
#endif
#ifndef TILES
#define TILES 8
#endif
#ifndef GROUP
#define GROUP 256
#endif

#if STATEMENT == 0
#define VOLATILE volatile
#define CLOBBER : "memory"
#elif STATEMENT == 1
#define VOLATILE volatile
#define CLOBBER
#elif STATEMENT == 2
#define VOLATILE
#define CLOBBER
#else
#error "STATEMENT is 0, 1 or 2"
#endif

#define WARP 32
#define LOCAL_ADDRESS(pointer) ((uint)(size_t)(pointer))

void multiply_tile(float *sums, const uint *a, const uint *b) {
  asm VOLATILE(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])CLOBBER);
}

// Both tiles from local memory to registers, multiplied, and the sums to c.
void multiply_local_tiles(__local const ushort *tile_a, __local const ushort *tile_b,
                          __global float *c) {
  const uint lane = get_local_id(0);
  uint a[4], b[2];
  asm VOLATILE("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
               : "r"(LOCAL_ADDRESS(tile_a + lane % 16 * 16 + lane / 16 * 8)) CLOBBER);
  asm VOLATILE("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(b[0]), "=r"(b[1])
               : "r"(LOCAL_ADDRESS(tile_b + lane % 8 * 16 + lane / 8 % 2 * 8)) CLOBBER);
  float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  multiply_tile(sums, a, b);
  const uint row = lane / 4, column = lane % 4 * 2;
  c[row * 8 + column] = sums[0];
  c[row * 8 + column + 1] = sums[1];
  c[(row + 8) * 8 + column] = sums[2];
  c[(row + 8) * 8 + column + 1] = sums[3];
}

__attribute__((reqd_work_group_size(WARP, 1, 1))) __kernel void probe_matrix_tile(
    __global const ushort *restrict a, __global const ushort *restrict b,
    __global float *restrict c) {
  __local __attribute__((aligned(16))) ushort tile_a[16 * 16];
  __local __attribute__((aligned(16))) ushort tile_b[8 * 16];
  for (uint i = get_local_id(0); i < 16 * 16; i += WARP) {
    tile_a[i] = a[i];
  }
  for (uint i = get_local_id(0); i < 8 * 16; i += WARP) {
    tile_b[i] = b[i];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  multiply_local_tiles(tile_a, tile_b, c);
}

__attribute__((reqd_work_group_size(WARP, 1, 1))) __kernel void probe_async_tile(
    __global const ushort *restrict a, __global const ushort *restrict b,
    __global float *restrict c) {
  __local __attribute__((aligned(16))) ushort tile_a[16 * 16];
  __local __attribute__((aligned(16))) ushort tile_b[8 * 16];
  const uint offset = get_local_id(0) * 8;
  asm VOLATILE("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(LOCAL_ADDRESS(tile_a + offset)),
               "l"(a + offset) CLOBBER);
  if (offset < 8 * 16) {
    asm VOLATILE("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(LOCAL_ADDRESS(tile_b + offset)),
                 "l"(b + offset) CLOBBER);
  }
  asm volatile("cp.async.commit_group;\n\tcp.async.wait_group 0;" ::: "memory");
  barrier(CLK_LOCAL_MEM_FENCE);
  multiply_local_tiles(tile_a, tile_b, c);
}

__attribute__((reqd_work_group_size(WARP, 1, 1))) __kernel void probe_local_address(
    __global ulong *restrict address) {
  __local __attribute__((aligned(16))) uint before[WARP];
  __local __attribute__((aligned(16))) uint words[WARP];
  const uint lane = get_local_id(0);
  before[lane] = lane;
  words[lane] = 3 * lane;
  barrier(CLK_LOCAL_MEM_FENCE);
  uint loaded;
  asm volatile("ld.shared.u32 %0, [%1];"
               : "=r"(loaded)
               : "r"(LOCAL_ADDRESS(words + lane))
               : "memory");
  if (lane == 5) {
    address[0] = LOCAL_ADDRESS(words);
    address[1] = (ulong)(size_t)words;
    address[2] = loaded;
    address[3] = before[lane];
  }
}

__attribute__((reqd_work_group_size(GROUP, 1, 1))) __kernel void probe_matrix_rate(
    __global const uint *restrict fragments, __global float *restrict c, const uint rounds) {
  const uint lane = get_local_id(0) % WARP;
  uint a[4], b[2];
  for (uint i = 0; i < 4; ++i) {
    a[i] = fragments[lane * 6 + i];
  }
  for (uint i = 0; i < 2; ++i) {
    b[i] = fragments[lane * 6 + 4 + i];
  }
  float sums[TILES][4];
  for (uint t = 0; t < TILES; ++t) {
    for (uint i = 0; i < 4; ++i) {
      sums[t][i] = (float)t;
    }
  }
  for (uint r = 0; r < rounds; ++r) {
#pragma unroll
    for (uint t = 0; t < TILES; ++t) {
      multiply_tile(sums[t], a, b);
    }
  }
  float total = 0.0f;
  for (uint t = 0; t < TILES; ++t) {
    total += sums[t][0] + sums[t][1] + sums[t][2] + sums[t][3];
  }
  c[get_global_id(0)] = total;
}
