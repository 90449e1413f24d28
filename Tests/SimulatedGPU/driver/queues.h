// Commands, and the thread that runs them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "driver/objects.h"

namespace simulated {

struct Command {
  Reference<_cl_event> event;
  std::vector<Reference<_cl_event>> waits;
  std::function<std::vector<Touch>()> run;  // returns what it touched
  CommandPlace place;
};

// The arguments that all calls that enqueue a command have.
struct Enqueue {
  cl_command_queue queue;
  cl_uint waitCount;
  const cl_event* waitList;
  cl_event* event;
  bool isBlocking = false;
};

// Appends a command. It starts when its queue is flushed or waited for.
cl_int enqueue(const Enqueue& call, cl_command_type type, const std::string& name,
               std::function<std::vector<Touch>()> run);

// Waits until a condition holds that commands make true. Reports commands that no flush submitted
// and without which nothing continues, and submits them.
void waitUntil(Hold& hold, const std::function<bool()>& isDone);

// Submits all commands of a queue.
void submit(cl_command_queue queue);

// The host has seen that these commands ended: what it enqueues from now on happens after them.
void hostHasSeen(const CommandClock& clock);

// Reports a call that a program must not make.
void hostTrouble(const std::string& kind, const std::string& detail);

struct CallCounts {
  u64 launches = 0, finishes = 0, flushes = 0, waits = 0;
};
CallCounts& callCounts();

}  // namespace simulated
