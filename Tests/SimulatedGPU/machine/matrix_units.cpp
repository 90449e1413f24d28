// `mma.sync`: products of small matrices that the lanes of a warp hold together.
//
// Which element lies where follows the tables of the PTX ISA, section "Matrix Fragments for mma".
// Sums are of 16 rows and 8 columns. A lane holds two neighbors of row lane / 4, and two of the row
// 8 below.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "machine/handlers.h"
#include "machine/lanes.h"
#include "machine/memory.h"
#include "machine/settings.h"

namespace simulated {

namespace {

constexpr int sumPlaces = 4;  // registers of d, of a and of c; b has two
constexpr int firstA = sumPlaces, firstB = firstA + 4, firstC = firstB + 2;

template <int depth>
struct Factors {
  alignas(64) float a[16][depth];
  alignas(64) float b[depth][8];
};

int rowOfSum(int lane, int place) { return lane / 4 + 8 * (place / 2); }
int columnOfSum(int lane, int place) { return lane % 4 * 2 + place % 2; }

// The sum of a chunk of products as a matrix unit makes it: all terms are aligned to the largest
// one and truncated to one bit more than a float has; the sum is rounded towards zero.
float truncatedSum(float start, const double* products, int count) {
  const auto allFinite = std::all_of(products, products + count,
                                     [](double product) { return std::isfinite(product); });
  if (!allFinite || !std::isfinite(start)) {
    double sum = start;
    for (int i = 0; i < count; ++i) sum += products[i];
    return static_cast<float>(sum);
  }
  double largest = std::fabs(start);
  for (int i = 0; i < count; ++i) largest = std::max(largest, std::fabs(products[i]));
  if (largest == 0) return start;
  int exponent;
  std::frexp(largest, &exponent);
  const double unit = std::ldexp(1.0, exponent - 25);
  double sum = std::trunc(start / unit);
  for (int i = 0; i < count; ++i) sum += std::trunc(products[i] / unit);
  sum *= unit;
  const float rounded = static_cast<float>(sum);
  return std::fabs(rounded) > std::fabs(sum) ? std::nextafterf(rounded, 0.0f) : rounded;
}

template <int depth>
void addTruncated(const Factors<depth>& factors, float (*sums)[8]) {
  constexpr int chunk =
      depth == 16 ? 8 : 4;  // products that a unit adds at once: of 16 bits, of tf32
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column)
      for (int first = 0; first < depth; first += chunk) {
        double products[chunk];
        for (int i = 0; i < chunk; ++i)
          products[i] =
              static_cast<double>(factors.a[row][first + i]) * factors.b[first + i][column];
        sums[row][column] = truncatedSum(sums[row][column], products, chunk);
      }
}

template <int depth>
void addFused(const Factors<depth>& factors, float (*sums)[8]) {
  for (int row = 0; row < 16; ++row) {
    __m256 sum = _mm256_load_ps(sums[row]);
    for (int i = 0; i < depth; ++i)
      sum = _mm256_fmadd_ps(_mm256_set1_ps(factors.a[row][i]), _mm256_load_ps(factors.b[i]), sum);
    _mm256_store_ps(sums[row], sum);
  }
}

template <int depth>
void multiply(Warp& warp, const Instruction& instruction, LaneMask mask,
              const Factors<depth>& factors) {
  requireWholeWarp(warp, instruction, mask);
  alignas(64) float sums[16][8];
  for (int place = 0; place < sumPlaces; ++place) {
    auto* c = lanes<float>(warp, instruction.operands[firstC + place]);
    for (int lane = 0; lane < warpSize; ++lane)
      sums[rowOfSum(lane, place)][columnOfSum(lane, place)] = c[lane];
  }
  if (settings().truncatesMatrixSums)
    addTruncated<depth>(factors, sums);
  else
    addFused<depth>(factors, sums);
  for (int place = 0; place < sumPlaces; ++place) {
    auto* d = lanes<float>(warp, instruction.operands[place]);
    for (int lane = 0; lane < warpSize; ++lane)
      d[lane] = sums[rowOfSum(lane, place)][columnOfSum(lane, place)];
  }
}

struct Half {
  static float number(u32 bits) { return floatOfHalf(static_cast<u16>(bits)); }
};
struct Bfloat {
  static float number(u32 bits) {
    const u32 wide = bits << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    return value;
  }
};

// m16n8k16: a register holds two numbers of 16 bits that are neighbors along the products.
template <class Type>
void multiply16(Warp& warp, const Instruction& instruction, LaneMask mask) {
  Factors<16> factors;
  for (int place = 0; place < 4; ++place) {
    const auto* registers = lanes<u32>(warp, instruction.operands[firstA + place]);
    for (int lane = 0; lane < warpSize; ++lane) {
      float* pair = &factors.a[lane / 4 + 8 * (place % 2)][lane % 4 * 2 + 8 * (place / 2)];
      pair[0] = Type::number(registers[lane]);
      pair[1] = Type::number(registers[lane] >> 16);
    }
  }
  for (int place = 0; place < 2; ++place) {
    const auto* registers = lanes<u32>(warp, instruction.operands[firstB + place]);
    for (int lane = 0; lane < warpSize; ++lane) {
      const int row = lane % 4 * 2 + 8 * place, column = lane / 4;
      factors.b[row][column] = Type::number(registers[lane]);
      factors.b[row + 1][column] = Type::number(registers[lane] >> 16);
    }
  }
  multiply<16>(warp, instruction, mask, factors);
}

// m16n8k8 of tf32: matrix units ignore the low 13 bits.
float tf32Number(u32 bits) {
  bits &= ~0x1FFFu;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

void multiplyTF32(Warp& warp, const Instruction& instruction, LaneMask mask) {
  Factors<8> factors;
  for (int place = 0; place < 4; ++place) {
    const auto* registers = lanes<u32>(warp, instruction.operands[firstA + place]);
    for (int lane = 0; lane < warpSize; ++lane)
      factors.a[lane / 4 + 8 * (place % 2)][lane % 4 + 4 * (place / 2)] =
          tf32Number(registers[lane]);
  }
  for (int place = 0; place < 2; ++place) {
    const auto* registers = lanes<u32>(warp, instruction.operands[firstB + place]);
    for (int lane = 0; lane < warpSize; ++lane)
      factors.b[lane % 4 + 4 * place][lane / 4] = tf32Number(registers[lane]);
  }
  multiply<8>(warp, instruction, mask, factors);
}

}  // namespace

Handler matrixHandler(const std::string& operation) {
  if (operation == "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32") return multiply16<Bfloat>;
  if (operation == "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32") return multiply16<Half>;
  if (operation == "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32") return multiplyTF32;
  return nullptr;
}

}  // namespace simulated
