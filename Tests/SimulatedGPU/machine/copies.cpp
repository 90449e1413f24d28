// `cp.async`: copies from global to shared memory that arrive as late as the program allows, at the
// wait for them. A kernel that waits too late or for too few of them reads what was there before.
#include <algorithm>
#include <cstring>

#include "machine/handlers.h"
#include "machine/lanes.h"
#include "machine/memory.h"
#include "machine/settings.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

void moveBytes(Group& group, const PendingCopy& copy) {
  u8* to = group.shared.data() + copy.to;
  if (copy.bytesTaken) std::memcpy(to, reinterpret_cast<const u8*>(copy.from), copy.bytesTaken);
  std::memset(to + copy.bytesTaken, 0, copy.bytes - copy.bytesTaken);
}

void arrive(Warp& warp, const PendingCopy& copy) {
  if (settings().checksSharedRaces)
    noteSharedWrite(warp, *copy.instruction, copy.lane, copy.to, copy.bytes,
                    SharedWrite::copyArrives);
  moveBytes(*warp.group, copy);
}

// Checks one lane's copy and begins it. `reads` collects the lanes that load anything.
void beginCopy(Warp& warp, const Instruction& instruction, int lane, u64 from, u64 to,
               LaneMask& reads) {
  Group& group = *warp.group;
  const u32 bytes = instruction.elementBytes;
  const int sizePlace = instruction.operands[0];
  u32 taken = sizePlace < 0 ? bytes : lanes<u32>(warp, sizePlace)[lane];
  if (taken > bytes) {
    trouble("copy that reads more than it writes", placeOf(warp, instruction), itemOf(warp, lane));
    taken = bytes;
  }
  requireAlignment(warp, instruction, lane, to, bytes);
  requireAlignment(warp, instruction, lane, from, bytes);
  const u64 size = group.kernel->sharedBytes;
  if (to >= size || bytes > size - to) {
    trouble("outside of shared memory", placeOf(warp, instruction), itemOf(warp, lane));
    return;
  }
  if (taken) {
    reads |= 1u << lane;
    MemoryRange* range = findRange(warp, instruction, lane, from, taken, false);
    if (range)
      noteGlobalAccess(warp, instruction, lane, *range, from, taken, false);
    else
      taken = 0;
  }
  const PendingCopy copy{lane, static_cast<u32>(to), from, bytes, taken, uncommitted, &instruction};
  const bool isEarly = settings().copiesArriveEarly;
  if (settings().checksSharedRaces)
    noteSharedWrite(warp, instruction, lane, to, bytes,
                    isEarly ? SharedWrite::store : SharedWrite::copyBegins);
  if (isEarly)
    moveBytes(group, copy);
  else
    warp.copies.push_back(copy);
}

void copy(Warp& warp, const Instruction& instruction, LaneMask mask) {
  u64 from[warpSize], to[warpSize];
  computeAddresses(warp, instruction.source, from);
  computeAddresses(warp, instruction.address, to);
  LaneMask reads = 0;
  for (int lane = 0; lane < warpSize; ++lane)
    if (contains(mask, lane)) beginCopy(warp, instruction, lane, from[lane], to[lane], reads);
  Group& group = *warp.group;
  if (!group.isSampled) return;
  const u32 bytes = instruction.elementBytes;
  if (reads) countGlobalAccess(group, from, reads, bytes, instruction.isCached);
  const u32 fewest = (__builtin_popcount(mask) * bytes + 127) / 128;
  group.counts->diverged += bankTurns(to, mask, bytes) - fewest;
}

void commit(Warp& warp, const Instruction&, LaneMask mask) {
  for (PendingCopy& copy : warp.copies)
    if (copy.set == uncommitted && contains(mask, copy.lane))
      copy.set = warp.committedSets[copy.lane];
  for (int lane = 0; lane < warpSize; ++lane)
    if (contains(mask, lane)) ++warp.committedSets[lane];
}

// Waits until at most `immediate` of each lane's newest sets are under way.
void wait(Warp& warp, const Instruction& instruction, LaneMask mask) {
  const auto isDue = [&](const PendingCopy& copy) {
    if (!contains(mask, copy.lane)) return false;
    if (instruction.waitsForAll) return true;
    const i64 firstLeft = warp.committedSets[copy.lane] - instruction.immediate;
    return copy.set != uncommitted && static_cast<i64>(copy.set) < firstLeft;
  };
  for (const PendingCopy& copy : warp.copies)
    if (isDue(copy)) arrive(warp, copy);
  std::erase_if(warp.copies, isDue);
}

void warpBarrier(Warp& warp, const Instruction& instruction, LaneMask mask) {
  if (mask != warp.alive)
    trouble("bar.warp.sync that not all lanes reach", placeOf(warp, instruction),
            "mask " + std::to_string(mask) + " of " + std::to_string(warp.alive));
  ++warp.epoch;
}

}  // namespace

Handler copyHandler() { return copy; }
Handler commitHandler() { return commit; }
Handler waitHandler() { return wait; }
Handler warpBarrierHandler() { return warpBarrier; }

}  // namespace simulated
