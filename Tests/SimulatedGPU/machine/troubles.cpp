// The list of troubles. It is never destroyed: the thread that runs commands outlives main.
#include "machine/troubles.h"

#include <map>
#include <mutex>
#include <vector>

namespace simulated {

namespace {

struct Trouble {
  std::string kind, place, detail;
  u64 count;
};

struct TroubleList {
  std::mutex lock;
  std::vector<Trouble> troubles;
  std::map<std::string, size_t> numbers;
};

TroubleList& list() {
  static auto* const result = new TroubleList;
  return *result;
}

constexpr size_t mostPrinted = 200;

}  // namespace

void trouble(const std::string& kind, const std::string& place, const std::string& detail) {
  const std::lock_guard hold(list().lock);
  auto& troubles = list().troubles;
  auto [entry, isNew] = list().numbers.try_emplace(kind + "\t" + place, troubles.size());
  if (!isNew) {
    ++troubles[entry->second].count;
    return;
  }
  troubles.push_back({kind, place, detail, 1});
  if (troubles.size() <= mostPrinted)
    std::fprintf(stderr, "simulated GPU: %s: %s %s\n", kind.c_str(), place.c_str(), detail.c_str());
}

void writeTroubles(FILE* file) {
  const std::lock_guard hold(list().lock);
  for (const Trouble& trouble : list().troubles) {
    std::string line = trouble.kind + "\t" + trouble.place + "\t" + trouble.detail;
    for (char& character : line)
      if (character == '\n') character = ' ';
    std::fprintf(file, "%s\t%llu times\n", line.c_str(),
                 static_cast<unsigned long long>(trouble.count));
  }
}

}  // namespace simulated
