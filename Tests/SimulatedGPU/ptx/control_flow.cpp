// Where the two sides of a branch meet again: the immediate post-dominator of its block.
#include <utility>

#include "ptx/kernel.h"

namespace simulated {

namespace {

// Blocks of instructions, each of which is entered at its begin and left at its end. One more block
// stands for the end of the function.
struct Blocks {
  std::vector<int> first, last;  // instructions
  std::vector<std::vector<int>> successors;
  int end() const { return static_cast<int>(first.size()); }
};

Blocks blocksOf(const Code& code) {
  const int count = static_cast<int>(code.instructions.size());
  std::vector<bool> begins(count + 1, false);
  begins[0] = true;
  for (int i = 0; i < count; ++i) {
    const Instruction& instruction = code.instructions[i];
    if (instruction.control == Control::branch) begins[instruction.target] = true;
    if (instruction.control == Control::branch || instruction.control == Control::leave)
      begins[i + 1] = true;
  }
  Blocks blocks;
  std::vector<int> blockOf(count);
  for (int i = 0; i < count; ++i) {
    if (begins[i]) {
      blocks.first.push_back(i);
      blocks.last.push_back(i);
    }
    blocks.last.back() = i;
    blockOf[i] = blocks.end() - 1;
  }
  blocks.successors.resize(blocks.end() + 1);
  for (int block = 0; block < blocks.end(); ++block) {
    const int last = blocks.last[block];
    const Instruction& instruction = code.instructions[last];
    auto& successors = blocks.successors[block];
    if (instruction.control == Control::branch) successors.push_back(blockOf[instruction.target]);
    if (instruction.control == Control::leave) successors.push_back(blocks.end());
    const bool jumps =
        instruction.control == Control::branch || instruction.control == Control::leave;
    if (!jumps || instruction.guard >= 0)
      successors.push_back(last + 1 < count ? blockOf[last + 1] : blocks.end());
  }
  return blocks;
}

// Numbers of the blocks in the order in which a search from the end leaves them; -1 for blocks from
// which the end cannot be reached.
std::vector<int> postorder(const Blocks& blocks, std::vector<int>& order) {
  std::vector<std::vector<int>> predecessors(blocks.end() + 1);
  for (int block = 0; block < blocks.end(); ++block)
    for (int successor : blocks.successors[block]) predecessors[successor].push_back(block);
  std::vector<int> numbers(blocks.end() + 1, -1);
  std::vector<bool> isSeen(blocks.end() + 1, false);
  std::vector<std::pair<int, size_t>> path = {{blocks.end(), 0}};
  isSeen[blocks.end()] = true;
  while (!path.empty()) {
    auto& [block, next] = path.back();
    if (next < predecessors[block].size()) {
      const int predecessor = predecessors[block][next++];
      if (isSeen[predecessor]) continue;
      isSeen[predecessor] = true;
      path.push_back({predecessor, 0});
    } else {
      numbers[block] = static_cast<int>(order.size());
      order.push_back(block);
      path.pop_back();
    }
  }
  return numbers;
}

// Immediate post-dominators by iteration, as Cooper, Harvey and Kennedy compute dominators (A
// Simple, Fast Dominance Algorithm, 2001), on the graph with its arrows turned around.
std::vector<int> postDominators(const Blocks& blocks) {
  std::vector<int> order;
  const std::vector<int> numbers = postorder(blocks, order);
  std::vector<int> dominators(blocks.end() + 1, -1);
  dominators[blocks.end()] = blocks.end();
  auto common = [&](int a, int b) {
    while (a != b) {
      while (numbers[a] < numbers[b]) a = dominators[a];
      while (numbers[b] < numbers[a]) b = dominators[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = order.rbegin(); block != order.rend(); ++block) {
      if (*block == blocks.end()) continue;
      int dominator = -1;
      for (int successor : blocks.successors[*block]) {
        if (numbers[successor] < 0 || dominators[successor] < 0) continue;
        dominator = dominator < 0 ? successor : common(dominator, successor);
      }
      if (dominator >= 0 && dominators[*block] != dominator) {
        dominators[*block] = dominator;
        changed = true;
      }
    }
  }
  return dominators;
}

}  // namespace

void findJoins(Code& code) {
  const Blocks blocks = blocksOf(code);
  const std::vector<int> dominators = postDominators(blocks);
  for (int block = 0; block < blocks.end(); ++block) {
    Instruction& instruction = code.instructions[blocks.last[block]];
    if (instruction.control != Control::branch || instruction.guard < 0) continue;
    const int join = dominators[block];
    const bool isInside = join >= 0 && join != blocks.end();
    instruction.join = isInside ? blocks.first[join] : static_cast<int>(code.instructions.size());
  }
}

}  // namespace simulated
