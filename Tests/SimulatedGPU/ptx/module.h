// A module of PTX: its functions and its variables. The bodies of functions stay text until a
// kernel is decoded (decoder.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ptx/types.h"

namespace simulated {

// The state spaces of PTX. `generic` addresses say by their value to which space they belong.
enum class Space : u8 { generic, global, shared, local, parameter, constant };

struct Parameter {
  std::string name;
  u32 bytes = 0;
  u32 alignment = 1;
  bool isPointer = false;
  bool pointsToShared = false;  // an OpenCL argument in local memory
};

struct Function {
  std::string name;
  bool isEntry = false;
  std::vector<Parameter> parameters;
  std::vector<Parameter> results;
  u32 requiredSize[3] = {0, 0, 0};  // reqd_work_group_size; zeros if the kernel states none
  std::string body;
  int firstLine = 0;
};

struct Variable {
  std::string name;
  Space space = Space::global;
  u32 alignment = 1;
  u32 bytes = 0;
  std::vector<u8> initializer;
  std::shared_ptr<std::vector<u8>> memory;  // of variables outside of shared memory
};

struct Module {
  std::vector<Function> functions;
  std::map<std::string, int> functionNumbers;
  std::map<std::string, Variable> variables;

  // The kernel with that name, or nullptr.
  const Function* entry(const std::string& name) const;
};

// Reads a module. Throws std::runtime_error if the text is not understood.
std::shared_ptr<Module> parseModule(const std::string& text);

// Reads `.align A .TYPE name[COUNT] = {…}`, without the semicolon.
Variable parseDeclaration(const std::string& text, Space space);

// The bytes of a type such as `u32`, `f16x2` or `pred`.
u32 bytesOfType(const std::string& type);

}  // namespace simulated
