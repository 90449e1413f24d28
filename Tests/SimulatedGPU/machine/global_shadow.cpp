// Finds races between groups in global memory. Groups run in any order on a GPU, and no barrier
// orders them, so a place that one group writes belongs to it alone for the launch.
#include "machine/global_shadow.h"

#include <sys/mman.h>

#include <new>

#include "machine/launch.h"
#include "machine/troubles.h"
#include "machine/warp.h"

namespace simulated {

namespace {
constexpr u32 severalReaders = ~0u;
}

GlobalShadow::~GlobalShadow() {
  for (Table* table : {&words, &halves})
    if (table->cells) munmap(table->cells, cellCount(*table) * sizeof(Cell));
}

size_t GlobalShadow::cellCount(const Table& table) const { return (bytes >> table.shift) + 1; }

void GlobalShadow::prepare(Table& table, u32 shift, u32 launch) {
  table.launch = launch;
  if (table.cells) return;
  table.shift = shift;
  void* memory = mmap(nullptr, cellCount(table) * sizeof(Cell), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  table.cells = static_cast<Cell*>(memory);
}

void GlobalShadow::note(Warp& warp, const Instruction& instruction, int lane,
                        const MemoryRange& range, u64 address, u32 size, bool writes) {
  const u32 launch = warp.group->launch->number;
  const u32 me = static_cast<u32>(warp.group->number);
  const u64 offset = address - base;
  if (size < 4)
    prepare(halves, 1, launch);
  else
    prepare(words, 2, launch);
  for (Table* table : {&words, &halves}) {
    if (table->launch != launch) continue;
    const bool records = (table == &words) == (size >= 4);
    for (u64 i = offset >> table->shift; i <= (offset + size - 1) >> table->shift; ++i) {
      Cell& cell = table->cells[i];
      auto report = [&](const char* kind, u32 other) {
        trouble(kind, placeOf(warp, instruction),
                itemOf(warp, lane) + ", the other group is " + std::to_string(other) +
                    ", argument " + std::to_string(range.argument));
      };
      const bool wasWritten = cell.writeLaunch == launch;
      const bool wasRead = cell.readLaunch == launch;
      if (wasWritten && cell.writer != me)
        report(writes ? "race between groups: both write" : "race between groups: read after write",
               cell.writer);
      if (wasWritten && cell.writer == me && instruction.isNonCoherent)
        report("ld.global.nc of memory that the launch wrote", me);
      if (writes && wasRead && cell.reader != me)
        report("race between groups: write after read", cell.reader);
      if (!records) continue;
      if (writes) {
        cell.writeLaunch = launch;
        cell.writer = me;
      } else if (wasRead && cell.reader != me) {
        cell.reader = severalReaders;
      } else {
        cell.readLaunch = launch;
        cell.reader = me;
      }
    }
  }
}

}  // namespace simulated
