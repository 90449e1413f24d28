// Which groups touched each place of a buffer in the launch that runs.
#pragma once

#include <cstddef>

#include "ptx/types.h"

namespace simulated {

struct Instruction;
struct MemoryRange;
struct Warp;

class GlobalShadow {
 public:
  GlobalShadow(u64 base, u64 bytes) : base(base), bytes(bytes) {}
  ~GlobalShadow();
  GlobalShadow(const GlobalShadow&) = delete;
  GlobalShadow& operator=(const GlobalShadow&) = delete;

  // Notes an access of a lane and reports what another group, or this one, did there before.
  void note(Warp& warp, const Instruction& instruction, int lane, const MemoryRange& range,
            u64 address, u32 size, bool writes);

 private:
  struct Cell {
    u32 writeLaunch, writer;
    u32 readLaunch, reader;
  };
  // Cells of 4 bytes, and others of 2 bytes for accesses that are smaller than 4. They lie in
  // zeroed pages that take memory only once they are used.
  struct Table {
    Cell* cells = nullptr;
    u32 shift = 0;
    u32 launch = 0;  // the last that used it
  };

  u64 base;
  u64 bytes;
  Table words;
  Table halves;

  void prepare(Table& table, u32 shift, u32 launch);
  size_t cellCount(const Table& table) const;
};

}  // namespace simulated
