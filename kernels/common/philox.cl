// Philox4x32 with ten rounds: the same bits as IsometryCore's RandomStream.block.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
// uses: common/language.cl

// Block `index` of a stream; seed, stream and index as (low word, high word).
static inline uint4 philox_block(const uint2 seed, const uint2 stream, const uint2 index) {
  uint4 counter = VECTOR(uint4)(index.x, index.y, stream.x, stream.y);
  uint2 key = seed;
  for (int round = 0; round < 10; ++round) {
    counter =
        VECTOR(uint4)(mul_hi(0xCD9E8D57u, counter.z) ^ counter.y ^ key.x, 0xCD9E8D57u * counter.z,
                      mul_hi(0xD2511F53u, counter.x) ^ counter.w ^ key.y, 0xD2511F53u * counter.x);
    key += VECTOR(uint2)(0x9E3779B9u, 0xBB67AE85u);
  }
  return counter;
}
