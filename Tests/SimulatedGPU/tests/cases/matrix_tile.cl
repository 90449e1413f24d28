// The product's own kernel for matrix units: copies in the background, fragments, and sums that
// leave through local memory.
//
// program: gemm/matrix_tile.cl WIDTH=8 LEFT_INNER_LAST=1 STORAGE_BFLOAT16=1
// launch: gemm_matrix_tile 512 128 in:26112 in:27648 null null out:39168 int:0 int:136 int:144 int:96
// result: 96.1304
// mutation: reads shared memory while a copy into it is under way | s/STAGES - 2)/STAGES - 1)/
// mutation: reads shared memory while a copy into it is under way | s/commit_copies(&(warp)); *\\$/\\/
// mutation: race between warps: read after write | /wait_for_copies(&(warp), STAGES - 2)/{n;s/barrier(.*);//}
// mutation: race between lanes: read after write | s/asm volatile("bar.warp.sync.*/;/
// mutation: reads outside of the arguments' memory | s/first_row, rows, at, inner, inner/first_row, rows, at, inner, inner + 8/
// mutation: writes outside of the arguments' memory | s/if (row >= result->rows || /if (/
