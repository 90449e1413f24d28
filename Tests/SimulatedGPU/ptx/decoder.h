// From the text of a kernel's instructions to their handlers and the places of their operands.
//
// The register file of a warp holds 32 values of each register beside each other. A register takes
// 4 bytes a lane, or 8 if it is that wide. Constants and special registers have places of their
// own.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ptx/kernel.h"

namespace simulated {

struct Operand {
  enum class Kind { name, predicate, number, vector, memory, ignored };
  Kind kind = Kind::ignored;
  std::string name;  // of a register or a symbol; of the base of an address
  i64 number = 0;
  i64 offset = 0;  // of an address
  bool isNegated = false;
  std::vector<Operand> elements;
};

// An instruction whose text is taken apart.
struct ParsedInstruction {
  std::string operation;           // `ld.global.v2.u32`
  std::vector<std::string> parts;  // `ld`, `global`, `v2`, `u32`
  std::string type;                // the last part
  u32 typeBytes = 4;
  std::vector<std::string> operands;

  const std::string& name() const { return parts[0]; }
  bool has(const std::string& part) const;
};

class Decoder {
 public:
  explicit Decoder(Kernel& kernel) : kernel(kernel), module(*kernel.module) {}

  void decode();

 private:
  struct Register {
    int place;
    int bytes;
    bool isPredicate;
  };
  struct Statement {
    std::string text;
    int line;
  };
  using Decode = void (Decoder::*)(Instruction&, const ParsedInstruction&);

  Kernel& kernel;
  Module& module;
  std::map<std::string, u32> parameterOffsets;  // of the kernel
  std::map<std::string, int> codeNumbers;       // of the functions that are called
  std::vector<std::string> undecoded;           // of these, what is still to do
  std::map<std::pair<u64, int>, int> constants;
  int usedFrames = 0;  // bytes of the frames of all functions: a function never calls itself

  // Of the function that is being decoded:
  Code* code = nullptr;
  std::map<std::string, Register> registers;
  std::map<std::string, int> frame;  // offsets of private variables and of values of calls
  int frameBytes = 0;
  std::vector<std::pair<int, std::string>> branches;  // instruction and label

  // decoder.cpp: functions and declarations
  void layOutParameters();
  Code decodeFunction(const Function& function);
  void decodeStatement(const Statement& statement);
  void decodeInstruction(Instruction& instruction, const std::string& text);
  static Decode decodeOf(const ParsedInstruction& parsed);
  void declareRegisters(const std::string& text);
  void addToFrame(const std::string& name, int bytes, int alignment);
  void fillInitialRegisters();

  // operands.cpp: places of operands
  int allocate(int bytesOfLane);
  int constantPlace(u64 value, int bytes);
  int specialPlace(const std::string& name);
  u32 placeInShared(const Variable& variable);
  u64 valueOfSymbol(const std::string& name, Space* space = nullptr);
  Operand parseOperand(const std::string& text);
  std::vector<Operand> parseOperands(const ParsedInstruction& parsed);
  const Register& dataRegister(const Operand& operand) const;
  int source(const Operand& operand, int bytes);
  int destination(const Operand& operand, int bytes);
  int predicate(const Operand& operand);
  Address address(const Operand& operand, Space& space);

  // control_instructions.cpp
  void decodeBranch(Instruction&, const ParsedInstruction&);
  void decodeReturn(Instruction&, const ParsedInstruction&);
  void decodeCall(Instruction&, const ParsedInstruction&);
  void decodeBarrier(Instruction&, const ParsedInstruction&);
  void decodeFence(Instruction&, const ParsedInstruction&);

  // memory_instructions.cpp
  void decodeAccess(Instruction&, const ParsedInstruction&);
  int dataPlace(Instruction& instruction, const Operand& operand, bool isLoad, int bytes);
  void decodeMatrix(Instruction&, const ParsedInstruction&);
  void decodeLoadMatrix(Instruction&, const ParsedInstruction&);
  void decodeCopy(Instruction&, const ParsedInstruction&);

  // value_instructions.cpp
  void decodeAddressConversion(Instruction&, const ParsedInstruction&);
  void decodeShuffle(Instruction&, const ParsedInstruction&);
  void decodeMove(Instruction&, const ParsedInstruction&);
  void decodeComparison(Instruction&, const ParsedInstruction&);
  void decodeSelection(Instruction&, const ParsedInstruction&);
  void decodePredicateLogic(Instruction&, const ParsedInstruction&);
  void decodeConversion(Instruction&, const ParsedInstruction&);
  void decodeArithmetic(Instruction&, const ParsedInstruction&);
};

[[noreturn]] void refuse(const std::string& reason);

// Takes an instruction without its guard apart.
ParsedInstruction parseInstruction(const std::string& text);

}  // namespace simulated
