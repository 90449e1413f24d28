// Reads the top level of a PTX module: functions with their parameters, and variables.
#include <cstring>
#include <set>
#include <stdexcept>

#include "ptx/module.h"
#include "ptx/text.h"

namespace simulated {

u32 bytesOfType(const std::string& type) {
  if (type == "pred") return 1;
  if (type == "f16x2" || type == "bf16x2") return 4;
  std::string digits;
  for (char character : type)
    if (isDigit(character)) digits += character;
  return digits.empty() ? 4 : std::stoi(digits) / 8;
}

const Function* Module::entry(const std::string& name) const {
  auto number = functionNumbers.find(name);
  if (number == functionNumbers.end() || !functions[number->second].isEntry) return nullptr;
  return &functions[number->second];
}

namespace {

// The bits of an initializer's number: an integer, or a float as `0fXXXXXXXX` or
// `0dXXXXXXXXXXXXXXXX`.
u64 bitsOfNumber(const std::string& text) {
  const char kind = text.size() > 2 && text[0] == '0' ? std::tolower(text[1]) : ' ';
  if (kind == 'f' || kind == 'd') return std::stoull(text.substr(2), nullptr, 16);
  if (text[0] == '-') return static_cast<u64>(std::stoll(text, nullptr, 0));
  return std::stoull(text, nullptr, 0);
}

std::vector<u8> parseInitializer(const std::string& text, u32 elementBytes, u32 bytes) {
  std::vector<u8> result(bytes, 0);
  size_t place = 0;
  std::string number;
  auto append = [&] {
    if (number.empty()) return;
    const u64 bits = bitsOfNumber(number);
    if (place + elementBytes > bytes) throw std::runtime_error("initializer is too long: " + text);
    std::memcpy(result.data() + place, &bits, elementBytes);
    place += elementBytes;
    number.clear();
  };
  for (char character : text) {
    if (isAlphanumeric(character) || character == '-')
      number += character;
    else
      append();
  }
  append();
  return result;
}

std::vector<Parameter> parseParameters(const std::string& text) {
  std::vector<Parameter> parameters;
  for (const std::string& part : split(text, ',')) {
    if (trimmed(part).empty()) continue;
    const Variable variable = parseDeclaration(trimmed(part), Space::parameter);
    const auto attributes = words(part);
    Parameter parameter;
    parameter.name = variable.name;
    parameter.bytes = variable.bytes;
    parameter.alignment = variable.alignment;
    parameter.isPointer = has(attributes, ".ptr");
    parameter.pointsToShared = parameter.isPointer && has(attributes, ".shared");
    parameters.push_back(parameter);
  }
  return parameters;
}

// Replaces comments by nothing and keeps line ends, so that line numbers stay those of the text.
std::string withoutComments(const std::string& source) {
  std::string text;
  text.reserve(source.size());
  size_t i = 0;
  while (i < source.size() && source[i]) {
    if (source.compare(i, 2, "//") == 0) {
      while (i < source.size() && source[i] != '\n') ++i;
    } else if (source.compare(i, 2, "/*") == 0) {
      const size_t end = std::min(source.find("*/", i + 2), source.size());
      for (; i < end; ++i)
        if (source[i] == '\n') text += '\n';
      i += 2;
    } else {
      text += source[i++];
    }
  }
  return text;
}

class ModuleParser {
 public:
  explicit ModuleParser(const std::string& source) : text(withoutComments(source)) {}

  std::shared_ptr<Module> parse() {
    for (skipSpace(); position < text.size(); skipSpace()) {
      if (skipDirective()) continue;
      const size_t end = text.find_first_of(";{", position);
      if (end == std::string::npos) break;
      const std::string head = text.substr(position, end - position);
      const bool isEntry = head.find(".entry") != std::string::npos;
      if (isEntry || head.find(".func") != std::string::npos)
        parseFunction(head, isEntry);
      else
        parseVariable();
    }
    return module;
  }

 private:
  std::string text;
  size_t position = 0;
  int line = 1;
  std::shared_ptr<Module> module = std::make_shared<Module>();

  void advance(size_t end) {
    for (; position < end; ++position)
      if (text[position] == '\n') ++line;
  }

  void skipSpace() {
    size_t end = position;
    while (end < text.size() && isSpace(text[end])) ++end;
    advance(end);
  }

  // Directives without a semicolon fill a line.
  bool skipDirective() {
    for (const char* word : {".version", ".target", ".address_size", ".file"}) {
      if (text.compare(position, std::strlen(word), word) != 0) continue;
      advance(std::min(text.find('\n', position), text.size()));
      return true;
    }
    return false;
  }

  // `.entry name(parameters) attributes` or `.func (results) name(parameters)`.
  void parseFunction(const std::string& head, bool isEntry) {
    Function function;
    function.isEntry = isEntry;
    const std::string keyword = isEntry ? ".entry" : ".func";
    std::string rest = trimmed(head.substr(head.find(keyword) + keyword.size()));
    auto takeList = [&]() {
      if (rest.empty() || rest[0] != '(') return std::vector<Parameter>();
      const size_t end = rest.find(')');
      const std::string list = rest.substr(1, end - 1);
      rest = trimmed(rest.substr(end + 1));
      return parseParameters(list);
    };
    if (!isEntry) function.results = takeList();
    const size_t nameEnd = std::min(rest.find_first_of(" \t\n("), rest.size());
    function.name = rest.substr(0, nameEnd);
    rest = trimmed(rest.substr(nameEnd));
    function.parameters = takeList();
    parseRequiredSize(rest, function);

    advance(position + head.size());
    if (text[position] == ';') {  // a prototype
      advance(position + 1);
      return;
    }
    function.firstLine = line;
    const size_t begin = position + 1;
    size_t end = begin;
    for (int depth = 1; end < text.size(); ++end) {
      if (text[end] == '{') ++depth;
      if (text[end] == '}' && --depth == 0) break;
    }
    if (end >= text.size()) throw std::runtime_error("no end of function " + function.name);
    function.body = text.substr(begin, end - begin);
    advance(end + 1);
    module->functionNumbers[function.name] = static_cast<int>(module->functions.size());
    module->functions.push_back(function);
  }

  static void parseRequiredSize(const std::string& attributes, Function& function) {
    const std::string keyword = ".reqntid";
    const size_t place = attributes.find(keyword);
    if (place == std::string::npos) return;
    const auto sizes = split(attributes.substr(place + keyword.size()), ',');
    for (size_t axis = 0; axis < 3; ++axis) {
      const std::string size = axis < sizes.size() ? trimmed(sizes[axis]) : "1";
      function.requiredSize[axis] = std::stoul(size);
    }
  }

  void parseVariable() {
    const size_t end = text.find(';', position);
    if (end == std::string::npos) throw std::runtime_error("no end of a declaration");
    const std::string statement = text.substr(position, end - position);
    advance(end + 1);
    auto mentions = [&](const char* word) { return statement.find(word) != std::string::npos; };
    const Space space = mentions(".shared")  ? Space::shared
                        : mentions(".const") ? Space::constant
                                             : Space::global;
    Variable variable = parseDeclaration(statement, space);
    if (variable.name.empty())
      throw std::runtime_error("cannot read the declaration " + statement.substr(0, 80));
    if (space != Space::shared) {
      variable.memory = std::make_shared<std::vector<u8>>(variable.bytes);
      std::copy(variable.initializer.begin(), variable.initializer.end(), variable.memory->begin());
    }
    module->variables[variable.name] = variable;
  }
};

}  // namespace

Variable parseDeclaration(const std::string& text, Space space) {
  static const std::set<std::string> attributes = {".shared", ".local",   ".const",  ".global",
                                                   ".weak",   ".visible", ".extern", ".param",
                                                   ".ptr",    ".common",  ".align"};
  Variable variable;
  variable.space = space;
  const size_t equals = text.find('=');
  u32 elementBytes = 1, count = 1;
  for (const std::string& word : words(text.substr(0, equals))) {
    if (attributes.count(word)) continue;
    if (isDigit(word[0])) {
      variable.alignment = std::stoul(word);
    } else if (word[0] == '.') {
      elementBytes = bytesOfType(word.substr(1));
    } else {
      const size_t bracket = word.find('[');
      variable.name = word.substr(0, bracket);
      if (bracket == std::string::npos) continue;
      const std::string size = word.substr(bracket + 1, word.find(']') - bracket - 1);
      count = size.empty() ? 0 : std::stoul(size);
    }
  }
  variable.bytes = elementBytes * count;
  variable.alignment = std::max(variable.alignment, elementBytes);
  if (equals != std::string::npos)
    variable.initializer = parseInitializer(text.substr(equals + 1), elementBytes, variable.bytes);
  return variable;
}

std::shared_ptr<Module> parseModule(const std::string& text) { return ModuleParser(text).parse(); }

}  // namespace simulated
