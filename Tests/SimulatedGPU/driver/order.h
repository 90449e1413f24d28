// Which commands are ordered: by their queue, by wait lists, or because the host waited in between.
//
// A clock holds for each queue the newest command that happens before, or is, the one that it
// belongs to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ptx/types.h"

struct _cl_mem;

namespace simulated {

struct Command;

class CommandClock {
 public:
  // Adds all that happens before `other`.
  void join(const CommandClock& other);
  void set(u64 queue, u64 command) { newest[queue] = command; }
  u64 at(u64 queue) const;

 private:
  std::map<u64, u64> newest;
};

// The place of a command among all others.
struct CommandPlace {
  u64 queue = 0;
  u64 number = 0;
  CommandClock clock;
  std::string name;

  bool happensBefore(const CommandPlace& other) const { return other.clock.at(queue) >= number; }
};

// What a command touched of a buffer.
struct Touch {
  _cl_mem* buffer;  // whole
  u64 begin, end;   // addresses
  bool writes;
};

// The recent accesses of a buffer. Two that overlap, of which one writes, must be ordered.
class AccessHistory {
 public:
  void note(const Touch& touch, const CommandPlace& place);

 private:
  struct Access {
    Touch touch;
    CommandPlace place;
  };
  std::vector<Access> accesses;
};

}  // namespace simulated
