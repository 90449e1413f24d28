// Decodes loads, stores, copies in the background and the instructions of matrix units.
#include "machine/handlers.h"
#include "ptx/decoder.h"

namespace simulated {

namespace {

Space spaceOf(const ParsedInstruction& parsed) {
  if (parsed.has("global")) return Space::global;
  if (parsed.has("shared")) return Space::shared;
  if (parsed.has("local")) return Space::local;
  if (parsed.has("param")) return Space::parameter;
  if (parsed.has("const")) return Space::constant;
  return Space::generic;
}

Category categoryOf(Space space, bool isLoad) {
  switch (space) {
    case Space::shared: return isLoad ? Category::loadShared : Category::storeShared;
    case Space::local: return isLoad ? Category::loadLocal : Category::storeLocal;
    case Space::parameter: return isLoad ? Category::loadConstant : Category::storeLocal;
    case Space::constant: return isLoad ? Category::loadConstant : Category::storeGlobal;
    case Space::generic:
    case Space::global: break;
  }
  return isLoad ? Category::loadGlobal : Category::storeGlobal;
}

}  // namespace

void Decoder::decodeAccess(Instruction& instruction, const ParsedInstruction& parsed) {
  const bool isLoad = parsed.name() != "st";
  const auto operands = parseOperands(parsed);
  const Operand& memory = operands.at(isLoad ? 1 : 0);
  const Operand& data = operands.at(isLoad ? 0 : 1);
  instruction.space = spaceOf(parsed);
  instruction.isNonCoherent = parsed.has("nc");
  instruction.elements = parsed.has("v2") ? 2 : parsed.has("v4") ? 4 : 1;
  instruction.elementBytes = parsed.typeBytes;
  instruction.isSigned = parsed.type[0] == 's';
  instruction.address = address(memory, instruction.space);
  for (int i = 0; i < instruction.elements; ++i) {
    const bool isVector = data.kind == Operand::Kind::vector;
    const Operand& element = isVector ? data.elements.at(i) : data;
    instruction.operands[i] = dataPlace(instruction, element, isLoad, parsed.typeBytes);
  }
  instruction.category = categoryOf(instruction.space, isLoad);
  instruction.handler = isLoad ? loadHandler(instruction.space) : storeHandler(instruction.space);
}

// The place of a loaded or stored element. Its register may be wider than the element.
int Decoder::dataPlace(Instruction& instruction, const Operand& operand, bool isLoad, int bytes) {
  if (isLoad && operand.kind == Operand::Kind::ignored) return allocate(8);
  const auto known = registers.find(operand.name);
  if (operand.kind == Operand::Kind::name && known != registers.end()) {
    instruction.isWide = known->second.bytes == 8;
    return known->second.place;
  }
  if (isLoad) refuse("not a register: " + operand.name);
  instruction.isWide = bytes == 8;
  return source(operand, bytes);
}

// Operands are d, a, b and c, each a vector of registers; their places follow one another.
void Decoder::decodeMatrix(Instruction& instruction, const ParsedInstruction& parsed) {
  instruction.category = Category::matrix;
  instruction.handler = matrixHandler(parsed.operation);
  if (!instruction.handler) return;
  const auto operands = parseOperands(parsed);
  int next = 0;
  for (int i = 0; i < 4; ++i)
    for (const Operand& element : operands.at(i).elements)
      instruction.operands[next++] = i == 0 ? destination(element, 4) : source(element, 4);
}

void Decoder::decodeLoadMatrix(Instruction& instruction, const ParsedInstruction& parsed) {
  const auto operands = parseOperands(parsed);
  instruction.category = Category::loadMatrix;
  instruction.space = Space::shared;
  instruction.isTransposed = parsed.has("trans");
  instruction.elements = operands.at(0).elements.size();
  for (int i = 0; i < instruction.elements; ++i)
    instruction.operands[i] = destination(operands[0].elements[i], 4);
  instruction.address = address(operands.at(1), instruction.space);
  instruction.handler = loadMatrixHandler();
}

// `cp.async.cX.shared.global [to], [from], BYTES{, taken}` with its commit and wait instructions.
void Decoder::decodeCopy(Instruction& instruction, const ParsedInstruction& parsed) {
  if (!parsed.has("async") || parsed.has("bulk")) return;
  const auto operands = parseOperands(parsed);
  if (parsed.has("commit_group")) {
    instruction.category = Category::control;
    instruction.handler = commitHandler();
  } else if (parsed.has("wait_group") || parsed.has("wait_all")) {
    instruction.category = Category::barrier;
    instruction.waitsForAll = parsed.has("wait_all");
    if (!instruction.waitsForAll) instruction.immediate = operands.at(0).number;
    instruction.handler = waitHandler();
  } else if (parsed.has("shared") && parsed.has("global")) {
    instruction.category = Category::copy;
    instruction.isCached = parsed.has("ca");
    Space from = Space::global;
    instruction.space = Space::shared;
    instruction.address = address(operands.at(0), instruction.space);
    instruction.source = address(operands.at(1), from);
    instruction.elementBytes = static_cast<u8>(operands.at(2).number);
    instruction.operands[0] = operands.size() > 3 ? source(operands[3], 4) : -1;
    instruction.handler = copyHandler();
  }
}

}  // namespace simulated
