// What the decoder takes from the machine: for each instruction the function that runs it. The
// functions return nullptr for instructions that are not simulated.
#pragma once

#include <string>
#include <vector>

#include "ptx/kernel.h"

namespace simulated {

// The highest byte of a generic address says to which space it belongs; 0 is global memory.
constexpr u64 localTag = 0x7ull << 56;
constexpr u64 sharedTag = 0x6ull << 56;

// moves.cpp
void doNothing(Warp&, const Instruction&, LaneMask);
Handler narrowHandler();
Handler addImmediateHandler(int bytes);
Handler moveHandler(int bytes);
Handler movePredicateHandler();
Handler packHandler(int bytes);
Handler unpackHandler(int bytes);
Handler selectionHandler(int bytes);
Handler predicateLogicHandler();
Handler shuffleHandler();

// comparisons.cpp, conversions.cpp, integers.cpp, floats.cpp
Handler comparisonHandler(const std::string& comparison, const std::string& type);
Handler conversionHandler(const std::vector<std::string>& parts);
Handler arithmeticHandler(const std::vector<std::string>& parts);
Handler floatHandler(const std::vector<std::string>& parts);

// matrix_units.cpp, load_matrix.cpp
Handler matrixHandler(const std::string& operation);
Handler loadMatrixHandler();

// memory.cpp, copies.cpp
Handler loadHandler(Space space);
Handler storeHandler(Space space);
Handler copyHandler();
Handler commitHandler();
Handler waitHandler();
Handler warpBarrierHandler();

}  // namespace simulated
