// Operands of instructions: registers, constants, symbols and addresses, and their places.
#include <set>

#include "ptx/decoder.h"
#include "ptx/text.h"

namespace simulated {

int Decoder::allocate(int bytesOfLane) {
  const int place = kernel.registerBytes;
  kernel.registerBytes += warpSize * bytesOfLane;
  return place;
}

int Decoder::constantPlace(u64 value, int bytes) {
  auto [entry, isNew] = constants.try_emplace({value, bytes}, 0);
  if (isNew) entry->second = allocate(bytes);
  return entry->second;
}

int Decoder::specialPlace(const std::string& name) {
  auto [entry, isNew] = kernel.specialRegisters.try_emplace(name, 0);
  if (isNew) entry->second = allocate(4);
  return entry->second;
}

u32 Decoder::placeInShared(const Variable& variable) {
  const u32 offset = roundedUp(kernel.sharedBytes, variable.alignment);
  kernel.sharedBytes = offset + variable.bytes;
  kernel.sharedOffsets[variable.name] = offset;
  return offset;
}

// The address that a name stands for, and its state space.
u64 Decoder::valueOfSymbol(const std::string& name, Space* space) {
  auto found = [&](Space where, u64 value) {
    if (space) *space = where;
    return value;
  };
  if (auto local = frame.find(name); local != frame.end())
    return found(Space::local, usedFrames + local->second);
  if (auto shared = kernel.sharedOffsets.find(name); shared != kernel.sharedOffsets.end())
    return found(Space::shared, shared->second);
  if (auto variable = module.variables.find(name); variable != module.variables.end()) {
    if (variable->second.space == Space::shared)
      return found(Space::shared, placeInShared(variable->second));
    return found(Space::constant, reinterpret_cast<u64>(variable->second.memory->data()));
  }
  if (auto parameter = parameterOffsets.find(name); parameter != parameterOffsets.end())
    return found(Space::parameter, parameter->second);
  refuse("unknown symbol " + name);
}

Operand Decoder::parseOperand(const std::string& given) {
  const std::string text = trimmed(given);
  Operand operand;
  if (text.empty()) refuse("empty operand");
  if (text == "_") return operand;
  if (text[0] == '!') {
    operand = parseOperand(text.substr(1));
    operand.isNegated = true;
    return operand;
  }
  if (text[0] == '{') {
    operand.kind = Operand::Kind::vector;
    for (const std::string& element : split(text.substr(1, text.rfind('}') - 1), ','))
      operand.elements.push_back(parseOperand(element));
    return operand;
  }
  if (text[0] == '[') {
    operand.kind = Operand::Kind::memory;
    const std::string inside = trimmed(text.substr(1, text.rfind(']') - 1));
    const size_t plus = inside.find('+', 1);
    operand.name = trimmed(inside.substr(0, plus));
    if (plus != std::string::npos)
      operand.offset = std::stoll(trimmed(inside.substr(plus + 1)), nullptr, 0);
    return operand;
  }
  if (isDigit(text[0]) || (text[0] == '-' && text.size() > 1)) {
    operand.kind = Operand::Kind::number;
    const char kind = text.size() > 2 && text[0] == '0' ? std::tolower(text[1]) : ' ';
    if ((kind == 'f' && text.size() == 10) || (kind == 'd' && text.size() == 18))
      operand.number = static_cast<i64>(std::stoull(text.substr(2), nullptr, 16));
    else if (text[0] == '-')
      operand.number = std::stoll(text, nullptr, 0);
    else
      operand.number = static_cast<i64>(std::stoull(text, nullptr, 0));
    return operand;
  }
  auto known = registers.find(text);
  const bool isPredicate = known != registers.end() && known->second.isPredicate;
  operand.kind = isPredicate ? Operand::Kind::predicate : Operand::Kind::name;
  operand.name = text;
  return operand;
}

// All operands. `%p|%q`, two destinations in one, counts as two operands.
std::vector<Operand> Decoder::parseOperands(const ParsedInstruction& parsed) {
  std::vector<Operand> result;
  for (const std::string& text : parsed.operands) {
    for (const std::string& part : split(text, '|')) result.push_back(parseOperand(part));
  }
  return result;
}

const Decoder::Register& Decoder::dataRegister(const Operand& operand) const {
  auto known = registers.find(operand.name);
  if (known == registers.end() || known->second.isPredicate)
    refuse("not a register: " + operand.name);
  return known->second;
}

int Decoder::source(const Operand& operand, int bytes) {
  static const std::set<std::string> special = {
      "%tid.x",   "%tid.y",   "%tid.z",    "%ntid.x",   "%ntid.y",   "%ntid.z",  "%ctaid.x",
      "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid",  "%warpid",
      "%envreg0", "%envreg1", "%envreg2",  "%envreg3",  "%envreg4",  "%envreg5", "%envreg6"};
  const int storage = bytes == 8 ? 8 : 4;
  if (operand.kind == Operand::Kind::number) {
    const u64 mask = bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1;
    return constantPlace(static_cast<u64>(operand.number) & mask, storage);
  }
  if (operand.kind != Operand::Kind::name) refuse("cannot be a source: " + operand.name);
  auto known = registers.find(operand.name);
  if (known != registers.end()) {
    if (known->second.bytes != storage) refuse("a source of another size: " + operand.name);
    return known->second.place;
  }
  if (special.count(operand.name)) return specialPlace(operand.name);
  if (operand.name[0] == '%') refuse("unknown register " + operand.name);
  return constantPlace(valueOfSymbol(operand.name), storage);
}

int Decoder::destination(const Operand& operand, int bytes) {
  if (operand.kind == Operand::Kind::ignored) return allocate(8);
  const Register& result = dataRegister(operand);
  if ((bytes == 8) != (result.bytes == 8)) refuse("a destination of another size: " + operand.name);
  return result.place;
}

int Decoder::predicate(const Operand& operand) {
  if (operand.kind == Operand::Kind::ignored) return kernel.predicateCount++;
  if (operand.kind != Operand::Kind::predicate) refuse("not a predicate: " + operand.name);
  return registers.at(operand.name).place;
}

// An address. `space` becomes that of its symbol if the instruction states none.
Address Decoder::address(const Operand& operand, Space& space) {
  Address result;
  result.offset = operand.offset;
  auto base = registers.find(operand.name);
  if (base != registers.end()) {
    result.base = base->second.place;
    result.isWide = base->second.bytes == 8;
    return result;
  }
  if (isDigit(operand.name[0])) {
    result.offset += std::stoll(operand.name, nullptr, 0);
    return result;
  }
  Space symbolSpace = space;
  result.offset += static_cast<i64>(valueOfSymbol(operand.name, &symbolSpace));
  // The values of a call are `.param` too, and lie in the frame.
  if (space == Space::parameter && symbolSpace == Space::local) space = Space::local;
  if (space == Space::generic) space = symbolSpace;
  return result;
}

}  // namespace simulated
