// Copies four numbers at once, and halves one by one.
//
// launch: copy_vectors 128 64 in:2048 out:2048 out:256
// result: 1.00194
// mutation: misaligned access | s/const int first = .*/const int first = 4 * (item \& 126) + 1;/
// mutation: race between groups: both write | s/copies\[item\]/copies[item \& 63]/
kernel __attribute__((reqd_work_group_size(64, 1, 1))) void copy_vectors(const global float *x,
                                                                         global float *y,
                                                                         global short *copies) {
  const int item = get_global_id(0);
  const int first = 4 * item;
  *(global float4 *)(y + 4 * item) = *(const global float4 *)(x + first);
  copies[item] = (short)item;
}
