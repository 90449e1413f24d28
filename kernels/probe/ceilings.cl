// What a device can do at best: bytes copied a second, fp32 operations a second, launches a second.
//
// probe_touch        value[0] = value[0] + 1, by one work-item: a launch with nothing in it
// probe_copy         target[i] = source[i], i < count, one float4 a work-item
// probe_multiply_add CHAINS independent chains of x = x * scale + shift a work-item, `rounds` long,
//                    each x a vector of LANES: 2 * CHAINS * LANES * rounds operations a work-item;
//                    sums[global id] keeps the result alive
// probe_local        a group fills its LOCAL_BYTES of local memory and reads back what another
//                    work-item wrote: wrong[group] counts the words that differ
//
// Layout: one-dimensional arrays. Launch: groups of GROUP work-items along axis 0.
// Tunables: GROUP a power of two, CHAINS 1..16, LANES 1, 4 or 16, LOCAL_BYTES a multiple of 4 *
// GROUP. Guaranteed by GPUProbe: sizes as above. Deterministic. Source: written for this project.

#ifndef GROUP
#define GROUP 256
#endif
#ifndef CHAINS
#define CHAINS 16
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef LOCAL_BYTES
#define LOCAL_BYTES 16384
#endif

#if LOCAL_BYTES % (4 * GROUP) != 0
#error "LOCAL_BYTES must be a multiple of four bytes a work-item"
#endif

#define LOCAL_WORDS (LOCAL_BYTES / 4)

#if LANES == 1
typedef float lanes;
#define STORE_LANES(value, p) (*(p) = (value))
#elif LANES == 4
typedef float4 lanes;
#define STORE_LANES(value, p) vstore4(value, 0, p)
#elif LANES == 16
typedef float16 lanes;
#define STORE_LANES(value, p) vstore16(value, 0, p)
#else
#error "LANES is 1, 4 or 16"
#endif

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void probe_touch(
    __global uint *restrict value) {
  value[0] += 1;
}

__attribute__((reqd_work_group_size(GROUP, 1, 1))) __kernel void probe_copy(
    __global const float4 *restrict source, __global float4 *restrict target, const uint count) {
  const uint i = get_global_id(0);
  if (i < count) {
    target[i] = source[i];
  }
}

__attribute__((reqd_work_group_size(GROUP, 1, 1))) __kernel void probe_multiply_add(
    __global float *restrict sums, const float scale, const float shift, const uint rounds) {
  lanes chain[CHAINS];
  for (uint c = 0; c < CHAINS; ++c) {
    chain[c] = (lanes)((float)(get_local_id(0) + c));
  }
  for (uint r = 0; r < rounds; ++r) {
#pragma unroll
    for (uint c = 0; c < CHAINS; ++c) {
      chain[c] = fma(chain[c], (lanes)scale, (lanes)shift);
    }
  }
  lanes total = (lanes)0.0f;
  for (uint c = 0; c < CHAINS; ++c) {
    total += chain[c];
  }
  float parts[LANES];
  STORE_LANES(total, parts);
  float sum = 0.0f;
  for (uint i = 0; i < LANES; ++i) {
    sum += parts[i];
  }
  sums[get_global_id(0)] = sum;
}

__attribute__((reqd_work_group_size(GROUP, 1, 1))) __kernel void probe_local(
    __global uint *restrict wrong) {
  __local uint words[LOCAL_WORDS];
  __local uint *differing = words + (LOCAL_WORDS - GROUP);
  const uint item = get_local_id(0);
  const uint salt = get_group_id(0) * 0x9e3779b9u;
  for (uint i = item; i < LOCAL_WORDS - GROUP; i += GROUP) {
    words[i] = i ^ salt;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  uint count = 0;
  for (uint i = GROUP - 1 - item; i < LOCAL_WORDS - GROUP; i += GROUP) {
    count += words[i] != (i ^ salt);
  }
  differing[item] = count;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (item == 0) {
    uint total = 0;
    for (uint i = 0; i < GROUP; ++i) {
      total += differing[i];
    }
    wrong[get_group_id(0)] = total;
  }
}
