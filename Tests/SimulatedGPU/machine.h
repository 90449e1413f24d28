#pragma once
#include "ptx.h"
#include <string>
#include <vector>

namespace ptx {
constexpr u64 LOCAL_TAG = 0x7ull << 56, SHARED_TAG = 0x6ull << 56;

struct Lookup {
  Ins& ins;
  const std::vector<std::string>& parts;
  const std::string& name;
  const std::string& type;
  u32 bytes = 4;
  bool has(const char* w) const {
    for (auto& p : parts)
      if (p == w) return true;
    return false;
  }
};

struct Group;
struct PendingCopy {
  u8 lane;
  u32 to;
  u64 from;
  u32 bytes, taken;
  u32 set;
  const Ins* ins;
};
struct Frame {
  int pc, join;
  u32 mask;
};

struct Warp {
  u8* r = nullptr;   // register file
  u32* p = nullptr;  // predicates
  Group* group = nullptr;
  int number = 0;
  u32 alive = 0;  // items that exist and have not returned
  std::vector<Frame> stack;
  bool waiting = false, done = false;
  u64 warpEpoch = 0;
  std::vector<PendingCopy> copies;
  u32 sets[32] = {};      // committed so far
  std::vector<u8> local;  // [32][localBytes]
  u64 localBase = 0;      // of the frame that runs
  const Code* code = nullptr;
  std::vector<u8> registers;
  std::vector<u32> predicates;
};

struct Cell {  // of 4 bytes of shared memory
  u64 writeEpoch = 0, readEpoch = 0, writeWarpEpoch = 0, readWarpEpoch = 0, pending = 0;
  u32 written = 0;  // group number + 1 in which bytes were written; bytes in mask
  u16 writer = 0xFFFF, reader = 0xFFFF;
  u8 readerMany = 0, bytes = 0;
};

struct Group {
  Launch* launch;
  KernelStats* stats;
  Kernel* kernel;
  u64 id[3];
  u64 linear = 0;
  bool sampled = false;
  std::vector<u8> shared;
  u32 sharedBytes = 0;
  std::vector<Cell> cells;
  u64 epoch = 1;
  u32 serial = 0;
  std::vector<Warp> warps;
  Stat* stat = nullptr;  // of the instruction that runs
  int lastRange = 0;
  std::vector<u64> touched;  // sectors that a sampled group loads
};

u32 typeBytes(const std::string& t);
Fn loadFunction(Space);
Fn storeFunction(Space);
Fn mmaFunction(const std::string& op);
Fn ldmatrixFunction();
Fn commitFunction();
Fn waitFunction();
Fn copyFunction();
Fn warpBarrierFunction();
Fn shuffleFunction();
Fn setpFunction(const std::string& comparison, const std::string& type);
Fn convertFunction(const std::vector<std::string>& parts);
Fn arithmeticFunction(const Lookup&);
void narrow(Warp&, const Ins&, u32);
void nothing(Warp&, const Ins&, u32);
void add64(Warp&, const Ins&, u32);
void add32(Warp&, const Ins&, u32);
void movePredicate(Warp&, const Ins&, u32);
void move32(Warp&, const Ins&, u32);
void move64(Warp&, const Ins&, u32);
void pack32(Warp&, const Ins&, u32);
void pack64(Warp&, const Ins&, u32);
void unpack32(Warp&, const Ins&, u32);
void unpack64(Warp&, const Ins&, u32);
void select32(Warp&, const Ins&, u32);
void select64(Warp&, const Ins&, u32);
void predicateLogic(Warp&, const Ins&, u32);
std::string where(const Warp&, const Ins&);
float halfToFloat(u16);
u16 floatToHalf(float);
u16 floatToBfloat(float);
}  // namespace ptx
