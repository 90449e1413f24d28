// Whether OpenCL C reaches the instructions that only Hopper has (target sm_90a).
//
// probe_warpgroup  value[0] = value[0] + 1, by the first work-item of a warpgroup after a
//                  wgmma.fence, an instruction that exists for sm_90a alone
//
// Launch: one group of 128 work-items. Deterministic. Source: the PTX ISA, wgmma.fence.

__attribute__((reqd_work_group_size(128, 1, 1))) __kernel void probe_warpgroup(
    __global uint *restrict value) {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  if (get_local_id(0) == 0) {
    value[0] += 1;
  }
}
