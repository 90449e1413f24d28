// Control flow of a warp: lanes that branch apart run one after the other until they meet again.
#include "machine/control.h"

#include <cstring>

#include "machine/launch.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

class Interpreter {
 public:
  Interpreter(Warp& warp, KernelCounts& counts)
      : warp(warp), kernel(*warp.group->kernel), counts(counts) {}

  Outcome run(int codeNumber, std::vector<StackEntry>& stack);

 private:
  Warp& warp;
  const Kernel& kernel;
  KernelCounts& counts;

  void branch(const Instruction& instruction, int next, LaneMask taken,
              std::vector<StackEntry>& stack);
  void call(const Instruction& instruction, LaneMask mask);
  void noteBarrier(const Instruction& instruction, LaneMask mask, bool isInCall) const;
};

Outcome Interpreter::run(int codeNumber, std::vector<StackEntry>& stack) {
  const Instruction* instructions = kernel.codes[codeNumber].instructions.data();
  InstructionCounts* countsOfCode = counts.codes[codeNumber].data();
  const bool isInCall = codeNumber != 0;
  while (!stack.empty()) {
    // Copies, because entries move when a branch adds others.
    int next = stack.back().next;
    const int join = stack.back().join;
    LaneMask mask = stack.back().mask;
    if (!mask) {
      stack.pop_back();
      continue;
    }
    for (bool isSameEntry = true; isSameEntry;) {
      if (next == join) {
        stack.pop_back();
        break;
      }
      const Instruction& instruction = instructions[next];
      LaneMask taken = mask;
      if (instruction.guard >= 0) {
        const LaneMask guard = warp.predicates[instruction.guard];
        taken &= instruction.guardIsNegated ? ~guard : guard;
      }
      InstructionCounts& own = countsOfCode[next];
      ++own.warps;
      ++warp.group->instructions;
      own.lanes += __builtin_popcount(taken);
      switch (instruction.control) {
        case Control::plain:
          warp.group->counts = &own;
          if (taken) instruction.handler(warp, instruction, taken);
          ++next;
          break;
        case Control::branch:
          if (taken == mask) {
            next = instruction.target;
          } else if (!taken) {
            ++next;
          } else {
            ++own.diverged;
            branch(instruction, next + 1, taken, stack);
            isSameEntry = false;
          }
          break;
        case Control::leave:
          for (StackEntry& entry : stack) entry.mask &= ~taken;
          if (!isInCall) warp.alive &= ~taken;
          mask &= ~taken;
          ++next;
          isSameEntry = mask != 0;
          break;
        case Control::barrier:
          noteBarrier(instruction, taken, isInCall);
          ++next;
          if (isInCall) break;
          stack.back().next = next;
          return Outcome::waitsAtBarrier;
        case Control::call:
          if (taken) call(instruction, taken);
          ++next;
          break;
      }
    }
  }
  return Outcome::isDone;
}

// Both sides run until they meet at the join; the entry below continues there with all lanes.
void Interpreter::branch(const Instruction& instruction, int next, LaneMask taken,
                         std::vector<StackEntry>& stack) {
  const StackEntry whole = stack.back();
  const int join = instruction.join;
  if (whole.join == join)
    stack.pop_back();
  else
    stack.back().next = join;
  if (next != join) stack.push_back({next, join, whole.mask & ~taken});
  if (instruction.target != join) stack.push_back({instruction.target, join, taken});
}

void Interpreter::call(const Instruction& instruction, LaneMask mask) {
  const Code& callee = kernel.codes[instruction.callee];
  auto forEachItem = [&](auto body) {
    for (int lane = 0; lane < warpSize; ++lane)
      if (contains(mask, lane)) body(warp.privateMemory.data() + lane * kernel.localBytes);
  };
  forEachItem([&](u8* memory) {
    for (const CallValue& value : instruction.arguments)
      std::memcpy(memory + callee.frameBase + value.calleeOffset, memory + value.callerOffset,
                  value.bytes);
  });
  std::vector<StackEntry> stack = {{0, static_cast<int>(callee.instructions.size()), mask}};
  run(instruction.callee, stack);
  forEachItem([&](u8* memory) {
    for (const CallValue& value : instruction.results)
      std::memcpy(memory + value.callerOffset, memory + callee.frameBase + value.calleeOffset,
                  value.bytes);
  });
}

void Interpreter::noteBarrier(const Instruction& instruction, LaneMask mask, bool isInCall) const {
  const std::string lanes = "mask " + std::to_string(mask) + " of " + std::to_string(warp.items);
  if (isInCall)
    trouble("barrier in a function that is not inlined: not simulated", placeOf(warp, instruction));
  else if (mask != warp.items)
    trouble("barrier that not all items reach", placeOf(warp, instruction),
            itemOf(warp, 0) + ", " + lanes);
}

}  // namespace

std::string placeOf(const Warp& warp, const Instruction& instruction) {
  return warp.group->launch->label + " line " + std::to_string(instruction.line) + " `" +
         instruction.text + "`";
}

std::string itemOf(const Warp& warp, int lane) {
  const u64* id = warp.group->id;
  return "group (" + std::to_string(id[0]) + ", " + std::to_string(id[1]) + ", " +
         std::to_string(id[2]) + ") warp " + std::to_string(warp.number) + " lane " +
         std::to_string(lane);
}

Outcome runWarp(Warp& warp, KernelCounts& counts) {
  return Interpreter(warp, counts).run(0, warp.stack);
}

}  // namespace simulated
