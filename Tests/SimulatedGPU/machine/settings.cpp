// Reads the environment variables of the simulated device.
#include "machine/settings.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

namespace simulated {

namespace {

const std::string prefix = "SIMULATED_GPU_";

[[noreturn]] void refuseVariable(const std::string& name, const std::string& reason) {
  std::fprintf(stderr, "simulated GPU: %s%s: %s\n", prefix.c_str(), name.c_str(), reason.c_str());
  std::exit(64);
}

// The variables that begin with the prefix. Each is taken once; what is left has an unknown name.
class Variables {
 public:
  Variables() {
    for (char** entry = environ; *entry; ++entry) {
      const std::string text = *entry;
      const size_t equals = text.find('=');
      if (text.compare(0, prefix.size(), prefix) == 0 && equals != std::string::npos)
        values[text.substr(prefix.size(), equals - prefix.size())] = text.substr(equals + 1);
    }
  }

  void take(const std::string& name, std::string& setting) {
    if (auto value = values.extract(name)) setting = value.mapped();
  }

  void take(const std::string& name, u64& setting) {
    std::string text;
    take(name, text);
    if (text.empty()) return;
    char* end = nullptr;
    setting = std::strtoull(text.c_str(), &end, 10);
    if (*end || text[0] == '-') refuseVariable(name, "not a number: " + text);
  }

  void take(const std::string& name, u32& setting) {
    u64 value = setting;
    take(name, value);
    setting = static_cast<u32>(value);
  }

  void take(const std::string& name, bool& setting) {
    std::string text;
    take(name, text);
    if (text.empty()) return;
    if (text != "0" && text != "1") refuseVariable(name, "neither 0 nor 1: " + text);
    setting = text == "1";
  }

  void refuseOthers() const {
    if (!values.empty()) refuseVariable(values.begin()->first, "no such variable");
  }

 private:
  std::map<std::string, std::string> values;
};

std::string folderOfThisLibrary() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&settings), &info)) return ".";
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

Settings readSettings() {
  Settings result;
  const std::string folder = folderOfThisLibrary();
  result.clang = "clang-16";
  result.libclc = "/usr/lib/clc/nvptx64--nvidiacl.bc";
  result.ptxas = folder + "/../ptxas/bin/ptxas";  // where scripts/setup puts it
  result.cache = folder + "/cache";
  Variables variables;
  variables.take("NAME", result.name);
  variables.take("SM", result.computeCapability);
  variables.take("UNITS", result.computeUnits);
  variables.take("MEMORY", result.memoryBytes);
  variables.take("CUDA", result.cudaVersion);
  variables.take("RACES", result.checksSharedRaces);
  variables.take("GLOBAL_RACES", result.checksGlobalRaces);
  variables.take("LEAKS", result.reportsLeaks);
  variables.take("REVERSE", result.reversesGroups);
  variables.take("SEED", result.warpSeed);
  variables.take("EARLY", result.copiesArriveEarly);
  variables.take("TRUNCATE", result.truncatesMatrixSums);
  variables.take("LAZY", result.waitsForFlush);
  variables.take("FAIL_LAUNCH", result.failingLaunch);
  variables.take("FAIL_BUFFER", result.failingBuffer);
  variables.take("FAULT_LAUNCH", result.faultingLaunch);
  variables.take("STATS", result.statistics);
  variables.take("SAMPLE", result.sampledGroups);
  variables.take("PERF", result.cutsLaunches);
  variables.take("PERF_AFTER", result.wholeLaunches);
  variables.take("CLANG", result.clang);
  variables.take("CLANG_OPTIONS", result.clangOptions);
  variables.take("LIBCLC", result.libclc);
  variables.take("PTXAS", result.ptxas);
  variables.take("CACHE", result.cache);
  variables.take("REPORT", result.report);
  variables.refuseOthers();
  if (result.sampledGroups == 0) refuseVariable("SAMPLE", "must be positive");
  return result;
}

}  // namespace

const Settings& settings() {
  static const Settings* const result = new Settings(readSettings());
  return *result;
}

}  // namespace simulated
