// Decodes branches, calls and barriers.
#include "machine/handlers.h"
#include "ptx/decoder.h"
#include "ptx/text.h"

namespace simulated {

void Decoder::decodeBranch(Instruction& instruction, const ParsedInstruction& parsed) {
  instruction.control = Control::branch;
  instruction.category = Category::control;
  branches.push_back({static_cast<int>(code->instructions.size()), parsed.operands.at(0)});
}

void Decoder::decodeReturn(Instruction& instruction, const ParsedInstruction&) {
  instruction.control = Control::leave;
  instruction.category = Category::control;
}

// `call (results), function, (arguments)`: all are variables in the caller's frame.
void Decoder::decodeCall(Instruction& instruction, const ParsedInstruction& parsed) {
  instruction.control = Control::call;
  instruction.category = Category::control;
  auto listOf = [](const std::string& text) {
    std::vector<std::string> names;
    for (const std::string& name : split(text.substr(1, text.size() - 2), ','))
      if (!trimmed(name).empty()) names.push_back(trimmed(name));
    return names;
  };
  size_t next = 0;
  std::vector<std::string> results, arguments;
  if (parsed.operands.at(0)[0] == '(') results = listOf(parsed.operands[next++]);
  const std::string& name = parsed.operands.at(next++);
  if (next < parsed.operands.size()) arguments = listOf(parsed.operands[next]);

  auto number = module.functionNumbers.find(name);
  if (number == module.functionNumbers.end()) refuse("no function " + name);
  const Function& callee = module.functions[number->second];
  auto [entry, isNew] = codeNumbers.try_emplace(name, static_cast<int>(codeNumbers.size()) + 1);
  if (isNew) undecoded.push_back(name);
  instruction.callee = entry->second;

  // As decodeFunction lays out the callee's frame.
  int end = 0;
  auto copies = [&](const std::vector<std::string>& names, const std::vector<Parameter>& values) {
    std::vector<CallValue> list;
    for (size_t i = 0; i < values.size(); ++i) {
      end = roundedUp(end, std::max<int>(values[i].alignment, 8));
      const int bytes = static_cast<int>(values[i].bytes);
      list.push_back({usedFrames + frame.at(names.at(i)), end, bytes});
      end += bytes;
    }
    return list;
  };
  instruction.arguments = copies(arguments, callee.parameters);
  instruction.results = copies(results, callee.results);
}

// `bar.sync 0` is OpenCL's barrier; `bar.warp.sync` one of a warp.
void Decoder::decodeBarrier(Instruction& instruction, const ParsedInstruction& parsed) {
  instruction.category = Category::barrier;
  if (parsed.has("warp")) {
    instruction.handler = warpBarrierHandler();
    return;
  }
  const bool isWhole = parsed.has("sync") && parsed.operands.size() == 1;
  if (!isWhole || parseOperand(parsed.operands[0]).number != 0) refuse("not simulated");
  instruction.control = Control::barrier;
}

// Memory is consistent at all times here, because instructions run one after the other.
void Decoder::decodeFence(Instruction& instruction, const ParsedInstruction&) {
  instruction.category = Category::barrier;
  instruction.handler = doNothing;
}

}  // namespace simulated
