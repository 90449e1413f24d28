// The product's own convolution for matrix units, of 9 x 9 pixels with 16 channels in two blocks.
//
// program: convolution/matrix_tile.cl WIDTH=8 BLOCK_ROWS=64 BLOCK_COLUMNS=16 BLOCK_INNER=32 WARP_ROWS=16 WARP_COLUMNS=16 STAGES=3 LEFT_INNER_LAST=1 RIGHT_INNER_LAST=1 STORAGE_BFLOAT16=1
// launch: convolution_matrix_tile_forward 256 128 in:2592 in:4608 null null out:2592 int:0 int:1 int:16 int:9 int:9 int:16 int:9 int:9 int:3 int:3 int:1 int:1 int:1 int:1
// result: 64.1299 96.1304 144.262
// mutation: reads shared memory while a copy into it is under way | s/STAGES - 2)/STAGES - 1)/
// mutation: race between warps: read after write | /wait_for_copies(&(warp), STAGES - 2)/{n;s/barrier(.*);//}
// mutation: reads outside of the arguments' memory | s/(uint)(pixels->row\[turn\] + down) < (uint)source->height/1/
// mutation: reads outside of the arguments' memory | s/is_tap && first_column + row < source->columns/first_column + row < source->columns/
// mutation: writes outside of the arguments' memory | s/if (row >= result->rows || /if (/
// mutation: race between groups: both write | s,/ blocks_across \* BLOCK_ROWS,/ blocks_across * (BLOCK_ROWS - 16),
