// Decodes moves, comparisons, conversions and arithmetic.
#include <set>

#include "machine/handlers.h"
#include "ptx/decoder.h"
#include "ptx/text.h"

namespace simulated {

// Generic addresses carry a tag of their space above the offset (machine/warp.h).
void Decoder::decodeAddressConversion(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  instruction.category = Category::move;
  const u64 tag = parsed.has("local") ? localTag : parsed.has("shared") ? sharedTag : 0;
  instruction.immediate = static_cast<i64>(parsed.has("to") ? 0 - tag : tag);
  instruction.operands[0] = destination(operands.at(0), parsed.typeBytes);
  instruction.operands[1] = source(operands.at(1), parsed.typeBytes);
  instruction.handler = addImmediateHandler(parsed.typeBytes);
}

// Places: destination, value, lane, clamp, then the number of the predicate or -1.
void Decoder::decodeShuffle(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  instruction.category = Category::move;
  instruction.operands[0] = destination(operands.at(0), 4);
  const bool hasPredicate = operands.at(1).kind == Operand::Kind::predicate;
  instruction.operands[4] = hasPredicate ? predicate(operands[1]) : -1;
  for (int i = 0; i < 3; ++i)
    instruction.operands[1 + i] = source(operands.at((hasPredicate ? 2 : 1) + i), 4);
  instruction.shuffle = parsed.has("up")     ? ShuffleMode::up
                        : parsed.has("down") ? ShuffleMode::down
                        : parsed.has("bfly") ? ShuffleMode::butterfly
                                             : ShuffleMode::index;
  instruction.handler = shuffleHandler();
}

void Decoder::decodeMove(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  const Operand& to = operands.at(0);
  const Operand& from = operands.at(1);
  instruction.category = Category::move;
  const int bytes = parsed.typeBytes;
  if (parsed.type == "pred") {
    instruction.operands[0] = predicate(to);
    const bool isConstant = from.kind == Operand::Kind::number;
    instruction.operands[1] = isConstant ? -1 : predicate(from);
    instruction.immediate = from.number ? -1 : 0;
    instruction.handler = movePredicateHandler();
  } else if (to.kind == Operand::Kind::vector) {
    instruction.elements = to.elements.size();
    instruction.elementBytes = bytes / instruction.elements;
    instruction.operands[0] = source(from, bytes);
    for (int i = 0; i < instruction.elements; ++i)
      instruction.operands[1 + i] = destination(to.elements[i], 4);
    instruction.handler = unpackHandler(bytes);
  } else if (from.kind == Operand::Kind::vector) {
    instruction.elements = from.elements.size();
    instruction.elementBytes = bytes / instruction.elements;
    instruction.operands[0] = destination(to, bytes);
    for (int i = 0; i < instruction.elements; ++i)
      instruction.operands[1 + i] = source(from.elements[i], instruction.elementBytes);
    instruction.handler = packHandler(bytes);
  } else {
    instruction.operands[0] = destination(to, bytes);
    instruction.operands[1] = source(from, bytes);
    instruction.handler = moveHandler(bytes);
  }
}

// `setp.CMP{.BOOL}.TYPE p{|q}, a, b{, {!}c}`. Places: p, a, b, then the numbers of q and c or -1.
void Decoder::decodeComparison(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  instruction.category = Category::compare;
  instruction.operands[0] = predicate(operands.at(0));
  const bool combines = parsed.has("and") || parsed.has("or") || parsed.has("xor");
  const bool hasComplement = operands.size() == (combines ? 5u : 4u);
  size_t next = hasComplement ? 2 : 1;
  instruction.operands[3] = hasComplement ? predicate(operands[1]) : -1;
  instruction.operands[1] = source(operands.at(next), parsed.typeBytes);
  instruction.operands[2] = source(operands.at(next + 1), parsed.typeBytes);
  instruction.operands[4] = -1;
  if (combines) {
    instruction.operands[4] = predicate(operands.at(next + 2));
    instruction.negatesPredicate = operands[next + 2].isNegated;
    instruction.logic = parsed.has("and")  ? Logic::conjunction
                        : parsed.has("or") ? Logic::disjunction
                                           : Logic::exclusive;
  }
  if (!parsed.has("ftz")) instruction.handler = comparisonHandler(parsed.parts.at(1), parsed.type);
}

void Decoder::decodeSelection(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  const int bytes = parsed.typeBytes;
  instruction.category = Category::move;
  instruction.operands[0] = destination(operands.at(0), bytes);
  instruction.operands[1] = source(operands.at(1), bytes);
  instruction.operands[2] = source(operands.at(2), bytes);
  instruction.operands[3] = predicate(operands.at(3));
  instruction.handler = selectionHandler(bytes);
}

void Decoder::decodePredicateLogic(Instruction& instruction, const ParsedInstruction& parsed) {
  static const std::map<std::string, Logic> operations = {{"and", Logic::conjunction},
                                                          {"or", Logic::disjunction},
                                                          {"xor", Logic::exclusive},
                                                          {"not", Logic::negation}};
  const auto operation = operations.find(parsed.name());
  if (operation == operations.end()) return;
  const auto operands = parseOperands(parsed);
  instruction.category = Category::compare;
  instruction.logic = operation->second;
  instruction.operands[0] = predicate(operands.at(0));
  instruction.operands[1] = predicate(operands.at(1));
  instruction.operands[2] = operands.size() > 2 ? predicate(operands[2]) : instruction.operands[1];
  instruction.handler = predicateLogicHandler();
}

void Decoder::decodeConversion(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  instruction.category = Category::convert;
  instruction.handler = conversionHandler(parsed.parts);
  if (!instruction.handler) return;
  const std::string& to = parsed.parts.at(parsed.parts.size() - 2);
  instruction.operands[0] = destination(operands.at(0), bytesOfType(to) == 8 ? 8 : 4);
  if (to == "bf16x2" || to == "f16x2") {
    instruction.operands[1] = source(operands.at(1), 4);
    instruction.operands[2] = source(operands.at(2), 4);
    return;
  }
  auto from = registers.find(operands.at(1).name);
  if (parsed.typeBytes == 8 || from == registers.end() || from->second.bytes == 4) {
    instruction.operands[1] = source(operands[1], parsed.typeBytes);
    return;
  }
  // A conversion may read the low bytes of a wide register: an instruction before it takes them.
  Instruction narrow;
  narrow.line = instruction.line;
  narrow.text = instruction.text;
  narrow.guard = instruction.guard;
  narrow.guardIsNegated = instruction.guardIsNegated;
  narrow.category = Category::control;
  narrow.handler = narrowHandler();
  narrow.operands[0] = instruction.operands[1] = allocate(4);
  narrow.operands[1] = from->second.place;
  code->instructions.push_back(narrow);
}

void Decoder::decodeArithmetic(Instruction& instruction, const ParsedInstruction& parsed) {
  static const std::set<std::string> specialFunctions = {"rcp", "sqrt", "rsqrt", "ex2",
                                                         "lg2", "sin",  "cos",   "tanh"};
  const std::string& name = parsed.name();
  const int bytes = parsed.typeBytes;
  instruction.category = parsed.type[0] != 'f' ? Category::integer
                         : bytes == 8          ? Category::real64
                                               : Category::single;
  if (name == "div" || name == "rem") instruction.category = Category::divide;
  if (specialFunctions.count(name)) instruction.category = Category::special;
  instruction.handler = arithmeticHandler(parsed.parts);
  if (!instruction.handler) return;

  const auto operands = parseOperands(parsed);
  const int wideBytes = parsed.has("wide") ? 2 * bytes : bytes;
  const bool isCount = name == "popc" || name == "clz";
  instruction.operands[0] = destination(operands.at(0), isCount ? 4 : wideBytes);
  // Shift counts and the positions of bit fields are 32 bits wide, whatever the type.
  const size_t firstPosition = name == "shl" || name == "shr" || name == "bfe" ? 2
                               : name == "bfi"                                 ? 3
                                                                               : operands.size();
  for (size_t i = 1; i < operands.size(); ++i) {
    const bool isAddend = parsed.has("wide") && i == 3;
    const int operandBytes = i >= firstPosition ? 4 : isAddend ? wideBytes : bytes;
    instruction.operands[i] = source(operands[i], operandBytes);
  }
}

}  // namespace simulated
