// Groups that read what no group writes.
//
// launch: shift_groups 128 64 in:512 out:512 out:256
// result: 1.00194
// mutation: race between groups: both write | s/y\[item\]/y[item % 64]/
// mutation: race between groups: both write | s/halves\[item\]/halves[item % 64]/
// mutation: race between groups: read after write | s/x\[127 - item\]/y[item < 64 ? item : item - 64]/
// mutation: race between groups: write after read | s/x\[127 - item\]/y[item < 64 ? item + 64 : item]/
// mutation: ld.global.nc of memory that the launch wrote | s/const float value = .*/y[item] = 1; float value; asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(value) : "l"(y + item) : "memory");/
kernel void shift_groups(const global float *x, global float *y, global short *halves) {
  const int item = get_global_id(0);
  const float value = x[127 - item];
  y[item] = value;
  halves[item] = (short)item;
}
