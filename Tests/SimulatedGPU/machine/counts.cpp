// Counts sectors of global memory and turns of shared memory's banks.
#include "machine/counts.h"

#include <algorithm>
#include <unordered_map>

#include "machine/warp.h"

namespace simulated {

const char* nameOf(Category category) {
  switch (category) {
    case Category::integer: return "int";
    case Category::single: return "fp";
    case Category::real64: return "fp64";
    case Category::convert: return "cvt";
    case Category::move: return "move";
    case Category::compare: return "setp";
    case Category::divide: return "div";
    case Category::loadGlobal: return "ldg";
    case Category::storeGlobal: return "stg";
    case Category::loadShared: return "lds";
    case Category::storeShared: return "sts";
    case Category::loadLocal: return "ldl";
    case Category::storeLocal: return "stl";
    case Category::loadConstant: return "ldc";
    case Category::matrix: return "mma";
    case Category::loadMatrix: return "ldmatrix";
    case Category::copy: return "cpasync";
    case Category::barrier: return "bar";
    case Category::control: return "ctrl";
    case Category::special: return "sfu";
  }
  return "";
}

namespace {

template <class Body>
void forEachSector(const u64* addresses, LaneMask mask, u32 bytes, Body body) {
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!contains(mask, lane)) continue;
    for (u64 sector = addresses[lane] >> 5; sector <= (addresses[lane] + bytes - 1) >> 5; ++sector)
      body(sector);
  }
}

// Marks places of a sequence, and counts the marks before a place; each in logarithmic time.
class Marks {
 public:
  explicit Marks(size_t places) : sums(places + 1) {}
  void add(size_t place, int mark) {
    for (++place; place < sums.size(); place += place & -place) sums[place] += mark;
  }
  int before(size_t place) const {
    int sum = 0;
    for (; place > 0; place &= place - 1) sum += sums[place];
    return sum;
  }

 private:
  std::vector<int> sums;
};

// A line of a cache, which has four sectors.
struct Line {
  size_t lastUse;
  // Of each sector, since it was loaded: the most lines between two uses of the line. -1 before.
  int farthest[4] = {-1, -1, -1, -1};
};

void countRequest(InstructionCounts& counts, LaneMask mask) {
  ++counts.requests;
  counts.requestLanes += __builtin_popcount(mask);
}

}  // namespace

u32 bankTurns(const u64* addresses, LaneMask mask, u32 bytes) {
  // Wider accesses are served a part of the lanes at a time.
  const int lanesAtOnce = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  u32 turns = 0;
  for (int first = 0; first < warpSize; first += lanesAtOnce) {
    std::vector<u64> wordsOfBank[32];
    size_t most = 0;
    for (int lane = first; lane < first + lanesAtOnce; ++lane) {
      if (!contains(mask, lane)) continue;
      for (u64 word = addresses[lane] >> 2; word <= (addresses[lane] + bytes - 1) >> 2; ++word) {
        auto& words = wordsOfBank[word % 32];
        if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
        most = std::max(most, words.size());
      }
    }
    turns += most;
  }
  return turns;
}

void countGlobalAccess(Group& group, const u64* addresses, LaneMask mask, u32 bytes,
                       bool isCached) {
  if (!group.isSampled) return;
  std::vector<u64> sectors;
  forEachSector(addresses, mask, bytes, [&](u64 sector) { sectors.push_back(sector); });
  std::sort(sectors.begin(), sectors.end());
  sectors.erase(std::unique(sectors.begin(), sectors.end()), sectors.end());
  if (isCached)
    group.cachedSectors.insert(group.cachedSectors.end(), sectors.begin(), sectors.end());
  countRequest(*group.counts, mask);
  group.counts->units += sectors.size();
  group.counts->ideal += (__builtin_popcount(mask) * bytes + 31) / 32;
}

void countSharedAccess(Group& group, const u64* addresses, LaneMask mask, u32 bytes) {
  if (!group.isSampled) return;
  countRequest(*group.counts, mask);
  group.counts->units += bankTurns(addresses, mask, bytes);
  group.counts->ideal += std::max<u32>(1, (__builtin_popcount(mask) * bytes + 127) / 128);
}

void countReuse(Group& group, KernelCounts& counts) {
  const std::vector<u64>& sectors = group.cachedSectors;
  std::unordered_map<u64, Line> lines;
  Marks lastUses(sectors.size());  // of all lines
  for (size_t now = 0; now < sectors.size(); ++now) {
    const auto [place, isNew] = lines.try_emplace(sectors[now] / 4, Line{now});
    Line& line = place->second;
    if (!isNew) {
      const int between = lastUses.before(now) - lastUses.before(line.lastUse + 1);
      for (int& farthest : line.farthest)
        if (farthest >= 0) farthest = std::max(farthest, between);
      lastUses.add(line.lastUse, -1);
      line.lastUse = now;
    }
    lastUses.add(now, 1);
    int& farthest = line.farthest[sectors[now] % 4];
    if (farthest < 0)
      ++counts.firstLoads;
    else
      ++counts.reuses[std::min<size_t>(farthest / linesOfReuse, std::size(counts.reuses) - 1)];
    farthest = 0;
  }
  group.cachedSectors.clear();
}

}  // namespace simulated
