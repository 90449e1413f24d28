// Finds commands that touch the same memory and that nothing orders. An in-order queue hides this
// until a second queue, or a faster device, runs them side by side.
#include "driver/order.h"

#include <algorithm>

#include "machine/troubles.h"

namespace simulated {

void CommandClock::join(const CommandClock& other) {
  for (const auto& [queue, command] : other.newest) {
    u64& own = newest[queue];
    own = std::max(own, command);
  }
}

u64 CommandClock::at(u64 queue) const {
  const auto entry = newest.find(queue);
  return entry == newest.end() ? 0 : entry->second;
}

void AccessHistory::note(const Touch& touch, const CommandPlace& place) {
  for (const Access& other : accesses) {
    const bool overlaps = touch.begin < other.touch.end && other.touch.begin < touch.end;
    if (!overlaps || !(touch.writes || other.touch.writes)) continue;
    if (other.place.happensBefore(place) || place.happensBefore(other.place)) continue;
    trouble("host: nothing orders two commands that touch the same memory",
            other.place.name + " and " + place.name,
            std::string(other.touch.writes ? "writes" : "reads") + ", then " +
                (touch.writes ? "writes" : "reads"));
  }
  // Whatever is unordered with an older access that this one covers is unordered with this one too.
  std::erase_if(accesses, [&](const Access& other) {
    return touch.begin <= other.touch.begin && other.touch.end <= touch.end &&
           (touch.writes || !other.touch.writes) && other.place.happensBefore(place);
  });
  accesses.push_back({touch, place});
}

}  // namespace simulated
