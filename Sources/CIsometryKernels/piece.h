// The entry of the table for PIECE, a file under kernels/. Its text ends with a zero.
// clang-format off
{&PIECE[sizeof "../../kernels/" - 1], (const unsigned char[]){
#embed PIECE suffix(, 0)
}},
#undef PIECE
