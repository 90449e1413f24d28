// `ldmatrix`: loads one, two or four matrices of 8 x 8 numbers of 16 bits from shared memory. Lane
// N gives the address of row N % 8 of matrix N / 8. Each lane gets two neighbors of row lane / 4.
#include <cstring>

#include "machine/handlers.h"
#include "machine/lanes.h"
#include "machine/memory.h"

namespace simulated {

namespace {

constexpr int rows = 8;
constexpr u32 rowBytes = 16;

void countTurns(Group& group, const Instruction& instruction, const u64* addresses) {
  if (!group.isSampled) return;
  InstructionCounts& counts = *group.counts;
  ++counts.requests;
  counts.requestLanes += warpSize;
  counts.ideal += instruction.elements;
  for (int matrix = 0; matrix < instruction.elements; ++matrix) {
    u64 rowAddresses[warpSize] = {};
    for (int row = 0; row < rows; ++row) rowAddresses[row] = addresses[rows * matrix + row];
    counts.units += bankTurns(rowAddresses, (1u << rows) - 1, rowBytes);
  }
}

void loadMatrix(Warp& warp, const Instruction& instruction, LaneMask mask) {
  requireWholeWarp(warp, instruction, mask);
  u64 addresses[warpSize];
  computeAddresses(warp, instruction.address, addresses);
  countTurns(*warp.group, instruction, addresses);
  for (int matrix = 0; matrix < instruction.elements; ++matrix) {
    u16 numbers[rows][8];
    for (int row = 0; row < rows; ++row) {
      const int lane = rows * matrix + row;
      const u8* memory =
          resolve(warp, instruction, lane, addresses[lane], rowBytes, Space::shared, false);
      if (memory)
        std::memcpy(numbers[row], memory, rowBytes);
      else
        std::fill_n(numbers[row], 8, 0x7FF7);  // NaN
    }
    auto* result = lanes<u32>(warp, instruction.operands[matrix]);
    forEachLane(mask, [&](int lane) {
      const int row = lane / 4, column = lane % 4 * 2;
      const u32 low = instruction.isTransposed ? numbers[column][row] : numbers[row][column];
      const u32 high =
          instruction.isTransposed ? numbers[column + 1][row] : numbers[row][column + 1];
      result[lane] = low | high << 16;
    });
  }
}

}  // namespace

Handler loadMatrixHandler() { return loadMatrix; }

}  // namespace simulated
