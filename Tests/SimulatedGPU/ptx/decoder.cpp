// Decodes functions: declarations, labels, and the instructions one after the other.
#include "ptx/decoder.h"

#include <cstring>
#include <stdexcept>

#include "ptx/text.h"

namespace simulated {

void refuse(const std::string& reason) { throw std::runtime_error(reason); }

bool ParsedInstruction::has(const std::string& part) const { return simulated::has(parts, part); }

ParsedInstruction parseInstruction(const std::string& text) {
  ParsedInstruction parsed;
  const size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  parsed.operation = text.substr(0, end);
  parsed.parts = split(parsed.operation, '.');
  parsed.type = parsed.parts.back();
  parsed.typeBytes = bytesOfType(parsed.type);
  parsed.operands = splitOperands(text.substr(end));
  return parsed;
}

void Decoder::decode() {
  layOutParameters();
  kernel.codes.push_back(decodeFunction(*kernel.entry));
  while (!undecoded.empty()) {
    const std::string name = undecoded.back();
    undecoded.pop_back();
    Code called = decodeFunction(module.functions[module.functionNumbers.at(name)]);
    const size_t number = codeNumbers.at(name);
    if (kernel.codes.size() <= number) kernel.codes.resize(number + 1);
    kernel.codes[number] = std::move(called);
  }
  kernel.localBytes = usedFrames;
  fillInitialRegisters();
}

void Decoder::layOutParameters() {
  u32 end = 0;
  for (const Parameter& parameter : kernel.entry->parameters) {
    // Scalars are aligned to their size, structures and vectors as they say.
    const u32 alignment =
        parameter.bytes > 8 ? parameter.alignment : std::max(parameter.alignment, parameter.bytes);
    end = roundedUp(end, std::max(alignment, 1u));
    parameterOffsets[parameter.name] = end;
    kernel.parameterOffsets.push_back(end);
    end += parameter.bytes;
  }
  kernel.parameterBytes = end;
}

namespace {

struct Body {
  struct Line {
    std::string text;
    int number;
  };
  std::vector<Line> statements;
  std::map<std::string, size_t> labels;  // number of the statement that follows
};

// Whether a directive, which ends with its line, stands at a place.
bool isDirective(const std::string& text, size_t place, const std::string& word) {
  return text.compare(place, word.size(), word) == 0 && isSpace(text[place + word.size()]);
}

// Braces only limit the names of registers, which the compiler makes unique where it matters.
Body parseBody(const Function& function) {
  Body body;
  const std::string& text = function.body;
  int line = function.firstLine;
  size_t place = 0;
  auto advance = [&](size_t end) {
    for (; place < end; ++place)
      if (text[place] == '\n') ++line;
  };
  while (place < text.size()) {
    if (isSpace(text[place]) || text[place] == '{' || text[place] == '}') {
      advance(place + 1);
      continue;
    }
    if (isDirective(text, place, ".loc") || isDirective(text, place, ".file")) {
      advance(std::min(text.find('\n', place), text.size()));
      continue;
    }
    size_t end = place;
    while (end < text.size() && (isAlphanumeric(text[end]) || std::strchr("_$.", text[end]))) ++end;
    if (end < text.size() && end > place && text[end] == ':') {
      body.labels[text.substr(place, end - place)] = body.statements.size();
      advance(end + 1);
      continue;
    }
    end = std::min(text.find(';', place), text.size());
    body.statements.push_back({trimmed(text.substr(place, end - place)), line});
    advance(std::min(end + 1, text.size()));
  }
  return body;
}

}  // namespace

Code Decoder::decodeFunction(const Function& function) {
  Code result;
  result.name = function.name;
  code = &result;
  registers.clear();
  frame.clear();
  branches.clear();
  frameBytes = 0;
  // The frame of a called function begins with its parameters and results (see decodeCall).
  if (!function.isEntry) {
    for (const Parameter& value : function.parameters)
      addToFrame(value.name, value.bytes, value.alignment);
    for (const Parameter& value : function.results)
      addToFrame(value.name, value.bytes, value.alignment);
  }
  result.frameBase = usedFrames;

  const Body body = parseBody(function);
  std::vector<int> firstInstructions;  // of each statement
  for (const Body::Line& statement : body.statements) {
    firstInstructions.push_back(static_cast<int>(result.instructions.size()));
    decodeStatement({statement.text, statement.number});
  }
  firstInstructions.push_back(static_cast<int>(result.instructions.size()));
  Instruction end;
  end.control = Control::leave;
  end.category = Category::control;
  end.text = "(end)";
  result.instructions.push_back(end);

  for (const auto& [instruction, label] : branches) {
    auto place = body.labels.find(label);
    if (place == body.labels.end()) refuse("no label " + label);
    result.instructions[instruction].target = firstInstructions[place->second];
  }
  result.frameBytes = roundedUp(frameBytes, 16);
  usedFrames += result.frameBytes;
  findJoins(result);
  return result;
}

void Decoder::decodeStatement(const Statement& statement) {
  const std::string& text = statement.text;
  if (text.empty() || startsWith(text, ".pragma")) return;
  if (startsWith(text, ".reg")) return declareRegisters(trimmed(text.substr(4)));
  if (startsWith(text, ".shared")) {
    const Variable variable = parseDeclaration(text, Space::shared);
    if (!kernel.sharedOffsets.count(variable.name)) placeInShared(variable);
    return;
  }
  if (startsWith(text, ".local") || startsWith(text, ".param")) {
    const Variable variable = parseDeclaration(text, Space::local);
    return addToFrame(variable.name, variable.bytes, variable.alignment);
  }
  Instruction instruction;
  instruction.line = statement.line;
  instruction.text = text;
  for (char& character : instruction.text)
    if (isSpace(character)) character = ' ';
  try {
    decodeInstruction(instruction, text);
  } catch (std::exception& error) {
    refuse("line " + std::to_string(instruction.line) + ": " + instruction.text + ": " +
           error.what());
  }
  code->instructions.push_back(instruction);
}

void Decoder::decodeInstruction(Instruction& instruction, const std::string& text) {
  std::string rest = text;
  if (rest[0] == '@') {
    const size_t end = rest.find_first_of(" \t");
    const Operand guard = parseOperand(rest.substr(1, end - 1));
    instruction.guard = predicate(guard);
    instruction.guardIsNegated = guard.isNegated;
    rest = trimmed(rest.substr(end));
  }
  const ParsedInstruction parsed = parseInstruction(rest);
  (this->*decodeOf(parsed))(instruction, parsed);
  if (instruction.control == Control::plain && !instruction.handler) refuse("not simulated");
}

Decoder::Decode Decoder::decodeOf(const ParsedInstruction& parsed) {
  static const std::map<std::string, Decode> table = {
      {"bra", &Decoder::decodeBranch},
      {"ret", &Decoder::decodeReturn},
      {"exit", &Decoder::decodeReturn},
      {"call", &Decoder::decodeCall},
      {"bar", &Decoder::decodeBarrier},
      {"barrier", &Decoder::decodeBarrier},
      {"membar", &Decoder::decodeFence},
      {"fence", &Decoder::decodeFence},
      {"ld", &Decoder::decodeAccess},
      {"ldu", &Decoder::decodeAccess},
      {"st", &Decoder::decodeAccess},
      {"mma", &Decoder::decodeMatrix},
      {"ldmatrix", &Decoder::decodeLoadMatrix},
      {"cp", &Decoder::decodeCopy},
      {"cvta", &Decoder::decodeAddressConversion},
      {"shfl", &Decoder::decodeShuffle},
      {"mov", &Decoder::decodeMove},
      {"setp", &Decoder::decodeComparison},
      {"selp", &Decoder::decodeSelection},
      {"cvt", &Decoder::decodeConversion},
  };
  auto decode = table.find(parsed.name());
  if (decode != table.end()) return decode->second;
  return parsed.type == "pred" ? &Decoder::decodePredicateLogic : &Decoder::decodeArithmetic;
}

// `.type %name<COUNT>, %other`, after `.reg`.
void Decoder::declareRegisters(const std::string& text) {
  const std::string type = words(text)[0].substr(1);
  const std::string names = trimmed(text.substr(text.find(type) + type.size()));
  for (const std::string& part : split(names, ',')) {
    const std::string declared = trimmed(part);
    const size_t bracket = declared.find('<');
    const bool isFamily = bracket != std::string::npos;
    const int count = isFamily ? std::stoi(declared.substr(bracket + 1)) : 1;
    for (int number = 0; number < count; ++number) {
      const std::string name =
          isFamily ? declared.substr(0, bracket) + std::to_string(number) : declared;
      // Inline assembly declares its registers in each of its copies.
      const auto present = registers.find(name);
      if (type == "pred") {
        if (present == registers.end()) registers[name] = {kernel.predicateCount++, 1, true};
      } else {
        const int bytes = bytesOfType(type) == 8 ? 8 : 4;
        if (present == registers.end() || present->second.bytes != bytes)
          registers[name] = {allocate(bytes), bytes, false};
      }
    }
  }
}

void Decoder::addToFrame(const std::string& name, int bytes, int alignment) {
  frameBytes = roundedUp(frameBytes, std::max(alignment, 8));
  frame[name] = frameBytes;
  frameBytes += bytes;
}

void Decoder::fillInitialRegisters() {
  for (const char* name : {"%tid.x", "%tid.y", "%tid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
                           "%ntid.x", "%ntid.y", "%ntid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z"})
    specialPlace(name);
  kernel.initialRegisters.assign(kernel.registerBytes, 0xFF);  // NaNs
  u8* file = kernel.initialRegisters.data();
  for (const auto& [constant, place] : constants) {
    const auto& [value, bytes] = constant;
    for (int lane = 0; lane < warpSize; ++lane)
      std::memcpy(file + place + lane * bytes, &value, bytes);
  }
  for (const auto& [name, place] : kernel.specialRegisters)
    for (u32 lane = 0; lane < warpSize; ++lane) {
      const u32 value = name == "%laneid" ? lane : 0;
      std::memcpy(file + place + 4 * lane, &value, 4);
    }
}

std::shared_ptr<Kernel> decodeKernel(std::shared_ptr<Module> module, const Function& entry) {
  auto kernel = std::make_shared<Kernel>();
  kernel->module = std::move(module);
  kernel->entry = &entry;
  Decoder(*kernel).decode();
  return kernel;
}

}  // namespace simulated
