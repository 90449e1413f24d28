// Finds races in shared memory.
//
// Two items that touch the same bytes, of whom one writes, need a barrier between them. In one warp
// a bar.warp.sync is enough. Without it the lanes of a warp are not in step either, on Volta and
// later.
#include "machine/memory.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

// The bytes of a word that an access touches, as a mask.
u8 bytesInWord(u64 word, u64 address, u32 bytes) {
  u8 mask = 0;
  for (u64 i = 0; i < 4; ++i) {
    const u64 byte = 4 * word + i;
    if (byte >= address && byte < address + bytes) mask |= 1 << i;
  }
  return mask;
}

struct Access {
  Warp& warp;
  const Instruction& instruction;
  int lane;
  u16 item;

  void report(const std::string& kind, const std::string& detail = "") const {
    trouble(kind, placeOf(warp, instruction), itemOf(warp, lane) + detail);
  }

  // Another item touched the word and no barrier lies between.
  void reportRace(const std::string& order, u16 other, u64 otherWarpEpoch) const {
    const std::string detail = ", the other item is " + std::to_string(other);
    if (other / warpSize != warp.number)
      report("race between warps: " + order, detail);
    else if (otherWarpEpoch == warp.epoch)
      report("race between lanes: " + order, detail);
  }
};

}  // namespace

void noteSharedRead(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes) {
  Group& group = *warp.group;
  const u16 item = static_cast<u16>(warp.number * warpSize + lane);
  const Access access{warp, instruction, lane, item};
  for (u64 word = address >> 2; word <= (address + bytes - 1) >> 2; ++word) {
    SharedCell& cell = group.cells[word];
    const u8 mask = bytesInWord(word, address, bytes);
    if (cell.pendingIn == group.serial)
      access.report("reads shared memory while a copy into it is under way");
    else if (cell.writtenIn != group.serial || (cell.bytes & mask) != mask)
      access.report("reads shared memory that was never written",
                    ", byte " + std::to_string(address));
    else if (cell.writer != item && cell.writeEpoch == group.epoch)
      access.reportRace("read after write", cell.writer, cell.writeWarpEpoch);

    if (cell.readEpoch != group.epoch) {
      cell.readEpoch = group.epoch;
      cell.reader = item;
      cell.hasOtherReaders = cell.hasReadersInOtherWarps = false;
    } else if (cell.reader / warpSize != warp.number) {
      cell.hasReadersInOtherWarps = true;
    } else if (cell.reader != item) {
      cell.hasOtherReaders = true;
    }
    cell.readWarpEpoch = warp.epoch;
  }
}

void noteSharedWrite(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
                     SharedWrite kind) {
  Group& group = *warp.group;
  const u16 item = static_cast<u16>(warp.number * warpSize + lane);
  const Access access{warp, instruction, lane, item};
  for (u64 word = address >> 2; word <= (address + bytes - 1) >> 2; ++word) {
    SharedCell& cell = group.cells[word];
    const u8 mask = bytesInWord(word, address, bytes);
    if (cell.pendingIn == group.serial && kind != SharedWrite::copyArrives)
      access.report("writes shared memory while a copy into it is under way");
    if (cell.readEpoch == group.epoch) {
      if (cell.hasReadersInOtherWarps && cell.reader / warpSize == warp.number)
        access.report("race between warps: write after read");
      else if (cell.reader != item || cell.hasOtherReaders)
        access.reportRace("write after read", cell.reader, cell.readWarpEpoch);
    }
    const bool overwrites = cell.writtenIn == group.serial && (cell.bytes & mask);
    if (overwrites && cell.writer != item && cell.writeEpoch == group.epoch)
      access.reportRace("both write", cell.writer, cell.writeWarpEpoch);

    if (cell.writtenIn != group.serial) {
      cell.writtenIn = group.serial;
      cell.bytes = 0;
    }
    if (kind == SharedWrite::copyBegins)
      cell.pendingIn = group.serial;
    else
      cell.bytes |= mask;
    if (kind == SharedWrite::copyArrives) cell.pendingIn = 0;
    cell.writer = item;
    cell.writeEpoch = group.epoch;
    cell.writeWarpEpoch = warp.epoch;
  }
}

}  // namespace simulated
