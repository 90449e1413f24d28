// Runs clang and ptxas, and keeps their results in a folder.
#pragma once

#include <map>
#include <string>

namespace simulated {

struct Compiled {
  bool isBuilt = false;
  std::string ptx;
  std::string log;
  std::map<std::string, int> registers;  // of an item, for each kernel; empty without ptxas
};

// The name of a program's files in the cache.
std::string programKey(const std::string& text, const std::string& options);

// From OpenCL C to PTX that ptxas accepts.
Compiled compileSource(const std::string& source, const std::string& options);

// Checks PTX that a program gives as a binary.
Compiled compileBinary(const std::string& ptx, const std::string& options);

}  // namespace simulated
