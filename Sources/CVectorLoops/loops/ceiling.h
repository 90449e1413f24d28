// The peak rate of multiply-adds, in independent chains that stay in registers. Few chains suit 16
// registers; many hide the latency of wide ones. The caller uses the better.

#define MOST_CHAINS 12

// The start and the factor of the chains; volatile, so that no compiler folds them.
static volatile float chain_numbers[2] = {0.5f, 1.0f};

// x = x / 2 + 1 for each lane of each chain. It converges to 2 and never overflows.
INLINE float float_chains(const int32_t chains, int64_t rounds) {
  const vf scale = (vf)(chain_numbers[0]), shift = (vf)(chain_numbers[1]);
  vf x[MOST_CHAINS];
  UNROLLED_FOR (c, chains) x[c] = (vf)(float)c;
  for (int64_t r = 0; r < rounds; r++) {
    UNROLLED_FOR (c, chains) x[c] = x[c] * scale + shift;
  }
  vf total = (vf)0.0f;
  UNROLLED_FOR (c, chains) total += x[c];
  return total[0];
}

#if VL_HAS_BF16_INSTRUCTION
INLINE float bfloat16_chains(const int32_t chains, int64_t rounds) {
  const __m512bh a =
      _mm512_cvtne2ps_pbh(_mm512_set1_ps(chain_numbers[0]), _mm512_set1_ps(chain_numbers[0]));
  __m512 x[MOST_CHAINS];
  UNROLLED_FOR (c, chains) x[c] = _mm512_set1_ps((float)c);
  for (int64_t r = 0; r < rounds; r++) {
    UNROLLED_FOR (c, chains) x[c] = _mm512_dpbf16_ps(x[c], a, a);
  }
  __m512 total = _mm512_setzero_ps();
  UNROLLED_FOR (c, chains) total = _mm512_add_ps(total, x[c]);
  return _mm512_reduce_add_ps(total);
}
#endif

double VL(multiply_add)(vl_type type, int32_t chains, int64_t rounds) {
#if VL_HAS_BF16_INSTRUCTION
  if (type == VL_BFLOAT16) {
    return chains <= 6 ? bfloat16_chains(6, rounds) : bfloat16_chains(12, rounds);
  }
#endif
  (void)type;
  return chains <= 6 ? float_chains(6, rounds) : float_chains(12, rounds);
}

int64_t VL(multiply_add_operations)(vl_type type, int32_t chains) {
  const int64_t products = VL_HAS_BF16_INSTRUCTION && type == VL_BFLOAT16 ? 2 : 1;
  return 2 * LANES * products * (chains <= 6 ? 6 : 12);
}

#undef MOST_CHAINS
