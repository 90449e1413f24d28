// The product's own sum, whose items add through a tree in local memory.
//
// program: reduction/flat.cl WIDTH=4 LOCAL_SIZE=256
// launch: reduction_sum 512 256 in:8000 out:8 int:2000 int:1024
// result: 1025.98 977.891
// mutation: race between warps: write after read | 0,/barrier(.*);/s///
// mutation: race between groups: both write | s/partial\[get_group_id(0)\]/partial[0]/
// mutation: reads outside of the arguments' memory | s/min((size_t)chunk, .*/chunk;/
// mutation: reads shared memory that was never written | s/tree\[item\] = value;/if (item) &/
