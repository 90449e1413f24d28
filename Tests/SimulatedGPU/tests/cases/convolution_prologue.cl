// The same convolution with a prologue: its pixels go through registers into local memory.
//
// program: convolution/matrix_tile.cl WIDTH=8 BLOCK_ROWS=64 BLOCK_COLUMNS=16 BLOCK_INNER=32 WARP_ROWS=16 WARP_COLUMNS=16 STAGES=3 LEFT_INNER_LAST=1 RIGHT_INNER_LAST=1 HAS_PROLOGUE=1 ACTIVATION=1 STORAGE_BFLOAT16=1
// launch: convolution_matrix_tile_forward 256 128 in:2592 in:4608 null null out:2592 int:0 int:1 int:16 int:9 int:9 int:16 int:9 int:9 int:3 int:3 int:1 int:1 int:1 int:1 in:64 in:64 in:64
// result: 64.1299 96.1304 144.262
// mutation: reads shared memory that was never written | s/FINISH_SLICE((memory) + ahead \* STAGE_SIZE); /; /
// mutation: race between warps: write after read | s/FINISH_SLICE(free);/FINISH_SLICE((memory) + slice % STAGES * STAGE_SIZE);/
// mutation: race between warps: read after write | /wait_for_copies(&(warp), STAGES - 2)/{n;s/barrier(.*);//}
// mutation: reads outside of the arguments' memory | s/prologue->mean + c)/prologue->mean + c + 8)/
// mutation: misaligned access | s/load_accums(prologue->shift + c)/load_accums(prologue->shift + c + 1)/
// mutation: outside of shared memory | s/left\[chunk_place(row, chunk, CHUNKS)\] = /left[chunk_place(row + 256, chunk, CHUNKS)] = /
