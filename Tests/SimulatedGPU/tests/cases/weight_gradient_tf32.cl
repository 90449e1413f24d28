// The product's own weight gradient for matrix units in tf32, whose loads from local memory are plain ones.
//
// program: convolution/matrix_tile_weight_gradient.cl WIDTH=4 BLOCK_ROWS=64 BLOCK_COLUMNS=16 BLOCK_INNER=16 WARP_ROWS=16 WARP_COLUMNS=16 STAGES=3 HAS_BIAS=1
// launch: convolution_matrix_tile_weight_gradient 384 128 in:5184 in:5184 out:9216 out:64 int:1 int:16 int:9 int:9 int:16 int:9 int:9 int:3 int:3 int:1 int:1 int:1 int:1 int:81
// result: 64.2502 72.2815 81.3167
// mutation: misaligned access | s/(const local uint2 \*)(slice + \(.*\));/(const local uint2 *)((const local uint *)(slice + \1) + 1);/
// mutation: outside of shared memory | s/const int row = inner + along \* 4/const int row = inner + 1024 + along * 4/
// mutation: reads shared memory while a copy into it is under way | s/STAGES - 2)/STAGES - 1)/
// mutation: race between warps: read after write | /wait_for_copies(&(warp), STAGES - 2)/{n;s/barrier(.*);//}
// mutation: reads outside of the arguments' memory | s/number < end_pixel \&\&/1 \&\&/
// mutation: race between groups: both write | s/if (row == result->rows) store/store/
