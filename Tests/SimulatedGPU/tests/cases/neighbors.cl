// Each item adds its number and that of an item in another warp, through local memory.
//
// launch: neighbor_sums 256 64 in:1024 out:1024
// result: 2.00388
// mutation: race between warps: read after write | /barrier/d
// mutation: reads shared memory that was never written | s/shared\[item\] = .*/if (item < 63) &/
// mutation: outside of shared memory | s/(item + 32) % 64/item + 32/
// mutation: reads outside of the arguments' memory | s/x\[place\]/x[place + 1]/
// mutation: writes outside of the arguments' memory | s/y\[place\]/y[place - 1]/
// mutation: race between groups: both write | s/y\[place\]/y[item]/
// mutation: barrier that not all items reach | s/barrier(.*);/if (item < 40) &/
// mutation: barrier that not all items reach | s/shared\[item\] =/if (item >= 32) return; &/
// mutation: warps wait at different barriers | s/barrier(.*);/if (item < 32) asm volatile("bar.sync 0; " ::: "memory"); else &/
// fault: host: argument that is not set | unset-argument
// fault: host: argument of another size | argument-size
// fault: host: argument that was released | released-argument
// fault: host: waits for a command that was never flushed | no-flush
// fault: host: nothing orders two commands that touch the same memory | no-order
// fault: host: clEnqueueReadBuffer outside of the buffer | read-outside
// fault: host: the local size does not divide the global size | group-size
// fault: host: objects that are still alive at the end | leak
kernel void neighbor_sums(const global float *x, global float *y) {
  local float shared[64];
  const int item = get_local_id(0);
  const int place = get_global_id(0);
  shared[item] = x[place];
  barrier(CLK_LOCAL_MEM_FENCE);
  y[place] = shared[item] + shared[(item + 32) % 64];
}
