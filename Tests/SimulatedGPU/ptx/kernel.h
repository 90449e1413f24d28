// A kernel whose instructions are decoded: each has a function that runs it on the lanes of a warp,
// and the places of its operands in the register file.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ptx/module.h"

namespace simulated {

struct Warp;
struct Instruction;
using Handler = void (*)(Warp&, const Instruction&, LaneMask);

// How an instruction moves the program counter. `plain` ones have a handler.
enum class Control : u8 { plain, branch, leave, barrier, call };

// What an instruction occupies on a GPU, for the counts (machine/counts.h).
enum class Category : u8 {
  integer,
  single,
  real64,
  convert,
  move,
  compare,
  divide,
  loadGlobal,
  storeGlobal,
  loadShared,
  storeShared,
  loadLocal,
  storeLocal,
  loadConstant,
  matrix,
  loadMatrix,
  copy,
  barrier,
  control,
  special,
};
const char* nameOf(Category category);

// How a predicate is combined with another one.
enum class Logic : u8 { conjunction, disjunction, exclusive, negation };

enum class ShuffleMode : u8 { up, down, butterfly, index };

// An address: the contents of a register, if there is one, and an offset.
struct Address {
  i64 offset = 0;
  int base = -1;  // place in the register file
  bool isWide = true;
};

// A value that a call copies between the frames of caller and callee, which lie in private memory.
struct CallValue {
  int callerOffset;
  int calleeOffset;
  int bytes;
};

struct Instruction {
  Handler handler = nullptr;
  // Places in the register file in bytes, or numbers of predicates. Destinations come first.
  int operands[16] = {};
  i64 immediate = 0;
  Address address;
  Address source;       // the global side of cp.async
  u8 elementBytes = 4;  // of a memory access or of a part of a packed register
  u8 elements = 1;
  bool isWide = false;    // the registers have 8 bytes
  bool isSigned = false;  // narrow loads extend the sign
  bool isTransposed = false;
  bool isNonCoherent = false;  // ld.global.nc
  bool waitsForAll = false;    // cp.async.wait_all
  bool isCached = false;       // cp.async.ca, through the first-level cache
  bool negatesPredicate = false;
  Logic logic = Logic::conjunction;
  ShuffleMode shuffle = ShuffleMode::up;
  Space space = Space::generic;
  int guard = -1;  // number of a predicate
  bool guardIsNegated = false;
  Control control = Control::plain;
  Category category = Category::integer;
  int target = -1;  // of a branch
  int join = -1;    // where the sides of a branch meet again
  int callee = -1;
  std::vector<CallValue> arguments;
  std::vector<CallValue> results;
  int line = 0;
  std::string text;
};

struct Code {
  std::string name;
  std::vector<Instruction> instructions;
  int frameBytes = 0;
  int frameBase = 0;  // offset of the frame in the private memory of an item
};

struct Kernel {
  std::shared_ptr<Module> module;  // keeps `entry` and the variables' memory alive
  const Function* entry = nullptr;
  std::vector<Code> codes;  // the kernel, then the functions that it calls
  int registerBytes = 0;    // of a warp: 32 values of each register beside each other
  int predicateCount = 0;
  u32 sharedBytes = 0;
  u32 parameterBytes = 0;
  u32 localBytes = 0;  // private memory of an item
  std::vector<u32> parameterOffsets;
  std::vector<u8> initialRegisters;
  std::map<std::string, int> specialRegisters;  // places of %tid.x and the like
  std::map<std::string, u32> sharedOffsets;
};

// Decodes a kernel. Throws std::runtime_error with the line if an instruction is not simulated.
std::shared_ptr<Kernel> decodeKernel(std::shared_ptr<Module> module, const Function& entry);

// Gives each conditional branch the instruction at which its sides meet: its immediate
// post-dominator.
void findJoins(Code& code);

}  // namespace simulated
