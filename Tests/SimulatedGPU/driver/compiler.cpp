// Builds programs: clang with libclc makes PTX, ptxas says whether a driver would take it.
#include "driver/compiler.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "machine/settings.h"
#include "machine/troubles.h"
#include "ptx/text.h"

namespace simulated {

namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool exists(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

// Runs a program, with its messages in a file, and returns whether it succeeds.
bool runTool(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t process;
  const int error =
      posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error) {
    std::ofstream(log) << "error: cannot run " << command[0] << " (" << std::strerror(error)
                       << "); scripts/setup --kernel-checks installs it\n";
    return false;
  }
  int status = 0;
  waitpid(process, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Files of a program. Each is written under a name of its own and then renamed, because several
// processes may build the same program.
struct CachedFiles {
  std::string base;
  std::string own;

  explicit CachedFiles(const std::string& key) {
    static std::atomic<int> count{0};
    mkdir(settings().cache.c_str(), 0777);
    base = settings().cache + "/" + key;
    own = base + "." + std::to_string(getpid()) + "." + std::to_string(++count);
  }
  bool has(const char* suffix) const { return exists(base + suffix); }
  void keep(const char* suffix) const {
    std::rename((own + suffix).c_str(), (base + suffix).c_str());
  }
  void remove(const char* suffix) const { unlink((own + suffix).c_str()); }
};

std::vector<std::string> clangCommand(const std::string& source, const std::string& options) {
  const std::string capability = std::to_string(settings().computeCapability);
  std::vector<std::string> command = {
      settings().clang, "-x", "cl",
      // As in scripts/check-kernels; `inline` as C90 with GNU has it.
      "-fgnu-keywords", "-fgnu89-inline", "-O3", "-Wno-linker-warnings",
      "--target=nvptx64-unknown-nvcl", "-Xclang", "-mlink-bitcode-file", "-Xclang",
      settings().libclc, "-march=sm_" + capability, "-Xclang", "-target-feature", "-Xclang",
      capability == "90" ? "+ptx78" : "+ptx75"};
  // CLBlast has barriers in functions. A GPU's compiler inlines all; here barriers in calls are not
  // simulated.
  if (source.find("XgemmDirect") != std::string::npos)
    command.insert(command.end(), {"-mllvm", "-inline-threshold=1000000"});
  for (const std::string& word : words(settings().clangOptions)) command.push_back(word);
  bool hasStandard = false;
  for (const std::string& word : words(options)) {
    hasStandard |= startsWith(word, "-cl-std");
    // NVIDIA's own options say how much to optimize; -cl-nv-arch would change the code.
    if (startsWith(word, "-cl-nv-") && !startsWith(word, "-cl-nv-arch")) continue;
    command.push_back(word);
  }
  if (!hasStandard) command.push_back("-cl-std=CL1.2");
  return command;
}

bool makePTX(const CachedFiles& files, const std::string& source, const std::string& options,
             Compiled& result) {
  if (!files.has(".ptx")) {
    if (!exists(settings().libclc)) {
      result.log = "error: no " + settings().libclc +
                   "; scripts/setup --kernel-checks installs libclc, SIMULATED_GPU_LIBCLC names it";
      trouble("host: program does not compile", options, result.log);
      return false;
    }
    std::ofstream(files.own + ".cl") << source;
    std::vector<std::string> command = clangCommand(source, options);
    command.insert(command.end(), {"-S", "-o", files.own + ".ptx", files.own + ".cl"});
    const bool isMade = runTool(command, files.own + ".log");
    result.log = contents(files.own + ".log");
    files.keep(".cl");
    if (!isMade) {
      files.remove(".log");
      files.remove(".ptx");
      trouble("host: program does not compile", options, result.log.substr(0, 600));
      return false;
    }
    files.keep(".log");
    files.keep(".ptx");
  }
  result.ptx = contents(files.base + ".ptx");
  result.log = contents(files.base + ".log");
  return true;
}

// From ptxas's messages the registers of each kernel.
std::map<std::string, int> registersIn(const std::string& log) {
  std::map<std::string, int> result;
  std::istringstream stream(log);
  std::string kernel;
  for (std::string line; std::getline(stream, line);) {
    if (line.find("Compiling entry function") != std::string::npos) {
      const size_t begin = line.find('\'') + 1;
      kernel = line.substr(begin, line.find('\'', begin) - begin);
    }
    const size_t used = line.find("Used ");
    if (used != std::string::npos && !kernel.empty())
      result[kernel] = std::atoi(line.c_str() + used + 5);
  }
  return result;
}

// Whether a driver's assembler takes the PTX.
bool assemble(const CachedFiles& files, const std::string& options, Compiled& result) {
  if (settings().ptxas == "none") return true;
  if (!files.has(".ptxas")) {
    const bool isHopperOnly = result.ptx.find(".target sm_90a") != std::string::npos;
    const std::string architecture =
        isHopperOnly ? "90a" : std::to_string(settings().computeCapability);
    const bool isTaken = runTool({settings().ptxas, "-v", "-arch=sm_" + architecture, "-o",
                                  "/dev/null", files.base + ".ptx"},
                                 files.own + ".ptxas");
    if (!isTaken) {
      result.log += contents(files.own + ".ptxas");
      files.remove(".ptxas");
      trouble("host: ptxas refuses a program", options, result.log.substr(0, 600));
      return false;
    }
    files.keep(".ptxas");
  }
  result.registers = registersIn(contents(files.base + ".ptxas"));
  return true;
}

}  // namespace

std::string programKey(const std::string& text, const std::string& options) {
  const std::string all = text + '\1' + options + '\1' + settings().clang + '\1' +
                          settings().clangOptions + '\1' +
                          std::to_string(settings().computeCapability);
  u64 hash = 0xCBF29CE484222325ull;  // FNV-1a
  for (unsigned char character : all) hash = (hash ^ character) * 0x100000001B3ull;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

Compiled compileSource(const std::string& source, const std::string& options) {
  Compiled result;
  const CachedFiles files(programKey(source, options));
  result.isBuilt = makePTX(files, source, options, result) && assemble(files, options, result);
  return result;
}

Compiled compileBinary(const std::string& ptx, const std::string& options) {
  Compiled result;
  result.ptx = ptx;
  const CachedFiles files(programKey(ptx, options));
  if (!files.has(".ptx")) {
    std::ofstream(files.own + ".ptx") << ptx;
    files.keep(".ptx");
  }
  result.isBuilt = assemble(files, options, result);
  return result;
}

}  // namespace simulated
