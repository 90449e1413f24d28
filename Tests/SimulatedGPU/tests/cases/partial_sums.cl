// The product's own sums over parts: two rows of a table, of four parts each.
//
// program: reduction/channels.cl WIDTH=4 LOCAL_SIZE=64
// launch: reduction_partial_sums 128 64 inout:4096 words:0,48,0,0,96,192,4,1,0,48,96,96,96,192,4,1
// result: 1.00194 4.00775
// mutation: race between groups: both write | s/entry\[3\]/0/
// mutation: race between groups: both write | s/const int columns = entry\[4\]/const int columns = 192/
// mutation: reads outside of the arguments' memory | s/part < parts/part < parts + 4/
// mutation: writes outside of the arguments' memory | s/TABLE_PLACE(entry\[1\])/TABLE_PLACE(entry[1] + 16)/
// mutation: misaligned access | s/entry\[2\]/entry[2] + 1/
