// A machine for PTX: parses what a compiler made, and runs it warp by warp with checks.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ptx {
using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

struct Param {
  std::string name, type;
  u32 bytes = 0, align = 1;
  bool pointer = false;
};

struct Warp;
struct Ins;
using Fn = void (*)(Warp&, const Ins&, u32 mask);

enum Control : u8 { PLAIN, BRANCH, RETURN, BARRIER, CALL };
enum Kind : u8 {
  K_INT,
  K_FP,
  K_FP64,
  K_CVT,
  K_MOVE,
  K_SETP,
  K_DIV,
  K_LDG,
  K_STG,
  K_LDS,
  K_STS,
  K_LDL,
  K_STL,
  K_LDC,
  K_MMA,
  K_LDMATRIX,
  K_CPASYNC,
  K_BAR,
  K_CTRL,
  K_SFU,
  K_COUNT
};
extern const char* kindNames[K_COUNT];
enum Space : u8 { GENERIC, GLOBAL, SHARED, LOCAL, PARAM, CONSTANT };

struct Ins {
  Fn fn = nullptr;
  int o[16] = {};  // offsets of operands in the register file, or numbers of predicates
  i64 offset = 0;  // of addresses; immediates
  int base = -1;   // register of an address, -1: offset alone
  bool base64 = true;
  u8 size = 4, vec = 1;  // of a memory access, bytes of an element
  bool wide = false, sext = false, nc = false;
  Space space = GENERIC;
  int guard = -1;
  bool guardNot = false;
  Control control = PLAIN;
  Kind kind = K_INT;
  int target = -1, join = -1;  // of branches
  int callee = -1;
  std::vector<std::pair<int, std::pair<int, int>>> args;  // caller's place, (callee's place, bytes)
  std::vector<std::pair<int, std::pair<int, int>>> results;
  int line = 0;
  std::string text;
};

struct Function {
  std::string name;
  bool entry = false;
  std::vector<Param> params, results;
  int reqd[3] = {0, 0, 0};
  std::string body;
  int firstLine = 0;
};

struct Variable {
  std::string name;
  Space space;
  u32 align = 1, bytes = 0;
  std::vector<u8> init;
  std::shared_ptr<std::vector<u8>> memory;
};

struct Module {
  std::string error;
  std::vector<Function> functions;
  std::map<std::string, int> byName;
  std::map<std::string, Variable> variables;
  std::vector<std::string> lines;
};
std::shared_ptr<Module> parse(const std::string& text);

// A function decoded for one kernel.
struct Code {
  std::vector<Ins> ins;
  int frameBytes = 0, frameBase = 0;
  std::map<std::string, int> frame;
  std::string name;
};

struct MemStat {
  u64 requests = 0, lanes = 0, units = 0, ideal = 0;
};
struct Stat {
  u64 count = 0, lanes = 0;
  MemStat mem;
  u64 partial = 0;
  u64 argsSeen = 0;
};

struct Kernel {
  std::shared_ptr<Module> module;
  const Function* entry = nullptr;
  std::vector<Code> codes;  // 0 is the entry
  std::string error;
  int registerBytes = 0, predicates = 0;
  u32 sharedBytes = 0, paramBytes = 0, localBytes = 0;
  std::vector<u32> paramOffsets;
  std::vector<u8> registerTemplate;
  std::map<std::string, std::pair<int, int>> special;  // name -> offset
  std::map<std::string, u32> sharedAt;
};
std::shared_ptr<Kernel> decode(std::shared_ptr<Module> module, const std::string& name);

struct Shadow {  // of a root buffer: who touched a word in this launch
  u64 base = 0, bytes = 0;
  std::vector<u32> launchW, groupW, launchR, groupR;
};
struct Range {
  u64 lo, hi;
  int arg;
  Shadow* shadow;
};

struct Launch {
  Kernel* kernel;
  std::string label;  // for reports
  std::vector<u8> params;
  u64 groups[3], local[3];
  std::vector<Range> ranges;  // sorted
  u32 number = 0;
  int sampled = 0;
};
struct KernelStats {
  std::vector<std::vector<Stat>> perCode;
  u64 launches = 0, groups = 0, sampledGroups = 0, ran = 0, uniqueSectors = 0;
  double seconds = 0;
};

struct Settings {
  bool races = true, globalRaces = true, truncate = false, reverse = false, early = false;
  u32 seed = 0;
  int sample = 4;
  int reservedShared = 0;
  int threads = 1;
  bool perf = false;
  u32 perfAfter = 70;
};
extern Settings settings;
void execute(Launch& launch, KernelStats& stats);

// Trouble, told once for each place.
void trouble(const std::string& kind, const std::string& where, const std::string& detail);
void dumpTroubles(FILE* file);
u64 troubleCount();
}  // namespace ptx
