// Two sets of copies in the background, each of which is read once it has arrived.
//
// launch: copy_in_background 32 32 in:1024 out:128
// result: 2.00388
// mutation: reads shared memory while a copy into it is under way | s/wait_group 1;/wait_group 2;/
// mutation: reads shared memory while a copy into it is under way | /wait_group 0;/d
// mutation: ends with copies that nothing waits for | /wait_group 0;/d; s/second\[31 - item\].x/1/
// mutation: writes shared memory while a copy into it is under way | s/asm volatile("cp.async.wait_group 1/first[item] = 0; &/
// mutation: race between lanes: read after write | /bar.warp.sync/d
// mutation: misaligned access | s/x + 4 \* item/& + 2/
// mutation: reads outside of the arguments' memory | s/x + 4 \* item + 128/x + 4 * item + 256/
// mutation: bar.warp.sync that not all lanes reach | s/asm volatile("bar.warp/if (item < 8) &/
static inline void copy(local float4 *to, const global float *from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((uint)(size_t)to), "l"(from)
               : "memory");
  asm volatile("cp.async.commit_group;" ::: "memory");
}

kernel void copy_in_background(const global float *x, global float *y) {
  local float4 first[32], second[32];
  const int item = get_local_id(0);
  copy(first + item, x + 4 * item);
  copy(second + item, x + 4 * item + 128);
  asm volatile("cp.async.wait_group 1;" ::: "memory");
  asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
  float sum = first[31 - item].x;
  asm volatile("cp.async.wait_group 0;" ::: "memory");
  asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
  sum += second[31 - item].x;
  y[item] = sum;
}
