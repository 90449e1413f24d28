// A product on a matrix unit whose operand comes through local memory.
//
// launch: multiply_ones 32 32 in:512 out:512
// result: 16
// mutation: warp instruction that not all lanes run | s/asm volatile($/if (lane < 16) &/
// mutation: warp instruction that not all lanes run | s/asm volatile("ldmatrix/if (lane < 16) &/
// mutation: outside of shared memory | s/lane % 16 \* 2/& + 16/
// mutation: race between lanes: read after write | /bar.warp.sync/d
#define ADDRESS(to) ((uint)(size_t)(to))

kernel void multiply_ones(const global uint4 *x, global float *y) {
  local uint4 tile[32];
  const int lane = get_local_id(0);
  tile[lane] = x[lane];
  asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
  uint a[4] = {0, 0, 0, 0};
  float d[4] = {0, 0, 0, 0};
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "+r"(a[0]), "+r"(a[1]), "+r"(a[2]), "+r"(a[3])
               : "r"(ADDRESS(tile + lane % 16 * 2 + lane / 16))
               : "memory");
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
      "{%4, %5, %6, %7}, {%4, %5}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]));
  for (int i = 0; i < 4; ++i) y[4 * lane + i] = d[i];
}
