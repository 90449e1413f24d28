// Runs the groups of a launch.
#include <algorithm>
#include <numeric>
#include <random>

#include "machine/control.h"
#include "machine/launch.h"
#include "machine/settings.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

// With SIMULATED_GPU_PERF: the instructions of warps after which the rest of a launch's groups is left
// out, and how many of its first groups count memory accesses. The launches before PERF_AFTER run longer.
constexpr u64 instructionsOfCutLaunch = 100'000;
constexpr u64 instructionsOfOtherLaunch = 7'500'000;
constexpr u64 sampledInCutLaunch = 12;

class LaunchRunner {
 public:
  LaunchRunner(Launch& launch, KernelCounts& counts);
  void run();

 private:
  Launch& launch;
  const Kernel& kernel;
  KernelCounts& counts;
  // One group serves all launches, which are many, on one thread. It is never destroyed: that thread
  // outlives main.
  inline static Group& group = *new Group;
  inline static u64 lastEpoch = 0, lastSerial = 0;

  const int warpCount;
  const bool isCut;
  const u64 stride;
  int groupPlaces[3];  // of %ctaid in the register file
  std::vector<int> warpOrder;
  std::mt19937 random{settings().warpSeed};

  void prepareWarp(Warp& warp, int number);
  u64 numberOfTurn(u64 turn) const;
  bool isSampled(u64 turn, u64 number) const;
  void beginGroup(u64 number);
  void runGroup();
  void checkBarrier() const;
  static u32* registersAt(Warp& warp, int place);
  static u64 strideFor(u64 groups);
};

// Groups that are taken in this distance are spread over the launch, however early it is cut.
u64 LaunchRunner::strideFor(u64 groups) {
  u64 stride = std::max<u64>(1, static_cast<u64>(groups * 0.6180339887));
  while (std::gcd(stride, groups) != 1) ++stride;
  return stride;
}

LaunchRunner::LaunchRunner(Launch& launch, KernelCounts& counts)
    : launch(launch),
      kernel(*launch.kernel),
      counts(counts),
      warpCount(static_cast<int>((launch.itemsOfGroup() + warpSize - 1) / warpSize)),
      isCut(settings().cutsLaunches && launch.number > settings().wholeLaunches),
      stride(strideFor(launch.groupCount())),
      warpOrder(warpCount) {
  if (counts.codes.empty())
    for (const Code& code : kernel.codes) counts.codes.emplace_back(code.instructions.size());
  for (int axis = 0; axis < 3; ++axis)
    groupPlaces[axis] = kernel.specialRegisters.at(std::string("%ctaid.") + "xyz"[axis]);
  std::iota(warpOrder.begin(), warpOrder.end(), 0);
  group.launch = &launch;
  group.kernel = &kernel;
  group.recentRange = 0;
  group.shared.resize(roundedUp(kernel.sharedBytes, 2u));
  group.cells.resize(std::max<size_t>(group.cells.size(), kernel.sharedBytes / 4 + 1));
  group.warps.resize(std::max<size_t>(group.warps.size(), warpCount));
  for (int number = 0; number < warpCount; ++number) prepareWarp(group.warps[number], number);
}

u32* LaunchRunner::registersAt(Warp& warp, int place) {
  return reinterpret_cast<u32*>(warp.registers + place);
}

void LaunchRunner::prepareWarp(Warp& warp, int number) {
  warp.group = &group;
  warp.number = number;
  warp.registerFile = kernel.initialRegisters;
  warp.registers = warp.registerFile.data();
  warp.predicateFile.assign(kernel.predicateCount, 0xA5A5A5A5u);
  warp.predicates = warp.predicateFile.data();
  warp.privateMemory.assign(static_cast<size_t>(warpSize) * kernel.localBytes, 0xF7);
  const u64 left = launch.itemsOfGroup() - static_cast<u64>(number) * warpSize;
  warp.items = left >= warpSize ? allLanes : (1u << left) - 1;
  const auto& special = kernel.specialRegisters;
  u64 extent = 1;  // items for one step along the axis
  for (int axis = 0; axis < 3; ++axis) {
    const std::string suffix = std::string(".") + "xyz"[axis];
    u32* items = registersAt(warp, special.at("%tid" + suffix));
    for (int lane = 0; lane < warpSize; ++lane) {
      const u64 item = static_cast<u64>(number) * warpSize + lane;
      items[lane] = item / extent % launch.groupSize[axis];
    }
    extent *= launch.groupSize[axis];
    const u32 size = launch.groupSize[axis], groups = launch.groups[axis];
    std::fill_n(registersAt(warp, special.at("%ntid" + suffix)), warpSize, size);
    std::fill_n(registersAt(warp, special.at("%nctaid" + suffix)), warpSize, groups);
  }
  if (auto place = special.find("%warpid"); place != special.end())
    std::fill_n(registersAt(warp, place->second), warpSize, static_cast<u32>(number));
}

void LaunchRunner::run() {
  const u64 groups = launch.groupCount();
  const u64 limit = isCut ? instructionsOfCutLaunch : instructionsOfOtherLaunch;
  u64 instructions = 0;
  for (u64 turn = 0; turn < groups; ++turn) {
    const u64 number = numberOfTurn(turn);
    group.isSampled = isSampled(turn, number);
    if (settings().cutsLaunches && !group.isSampled && instructions > limit) continue;
    beginGroup(number);
    runGroup();
    ++counts.groupsRun;
    instructions += group.instructions;
    counts.instructions += group.instructions;
    counts.squares += group.instructions * group.instructions;
    if (!group.isSampled) continue;
    ++counts.groupsSampled;
    countReuse(group, counts);
  }
  ++counts.launches;
}

u64 LaunchRunner::numberOfTurn(u64 turn) const {
  const u64 groups = launch.groupCount();
  if (isCut) return turn * stride % groups;
  return settings().reversesGroups ? groups - 1 - turn : turn;
}

bool LaunchRunner::isSampled(u64 turn, u64 number) const {
  if (settings().statistics.empty()) return false;
  if (isCut) return turn < sampledInCutLaunch;
  const u64 step = std::max<u64>(1, launch.groupCount() / settings().sampledGroups);
  return number % step == step / 2;
}

void LaunchRunner::beginGroup(u64 number) {
  group.number = number;
  group.id[0] = number % launch.groups[0];
  group.id[1] = number / launch.groups[0] % launch.groups[1];
  group.id[2] = number / (launch.groups[0] * launch.groups[1]);
  group.instructions = 0;
  group.epoch = ++lastEpoch;
  group.serial = ++lastSerial;
  auto* shared = reinterpret_cast<u16*>(group.shared.data());
  std::fill_n(shared, group.shared.size() / 2, 0x7FF7);  // NaNs
  if (settings().warpSeed) std::shuffle(warpOrder.begin(), warpOrder.end(), random);
  for (int i = 0; i < warpCount; ++i) {
    Warp& warp = group.warps[i];
    warp.alive = warp.items;
    warp.isWaiting = warp.isDone = false;
    warp.copies.clear();
    std::fill_n(warp.committedSets, warpSize, 0);
    const int end = static_cast<int>(kernel.codes[0].instructions.size());
    warp.stack.assign(1, {0, end, warp.items});
    warp.epoch = ++lastEpoch;
    for (int axis = 0; axis < 3; ++axis)
      std::fill_n(registersAt(warp, groupPlaces[axis]), warpSize, static_cast<u32>(group.id[axis]));
  }
}

// Runs each warp to its next barrier, until all have ended.
void LaunchRunner::runGroup() {
  while (true) {
    bool anyWaits = false;
    for (int number : warpOrder) {
      Warp& warp = group.warps[number];
      if (warp.isDone) continue;
      warp.isWaiting = runWarp(warp, counts) == Outcome::waitsAtBarrier;
      warp.isDone = !warp.isWaiting;
      anyWaits |= warp.isWaiting;
      if (warp.isDone && !warp.copies.empty())
        trouble("ends with copies that nothing waits for", launch.label);
    }
    if (!anyWaits) return;
    checkBarrier();
    group.epoch = ++lastEpoch;
    for (int i = 0; i < warpCount; ++i) group.warps[i].epoch = ++lastEpoch;
  }
}

// All warps must wait at the same barrier.
void LaunchRunner::checkBarrier() const {
  int place = -1;
  for (int i = 0; i < warpCount; ++i) {
    const Warp& warp = group.warps[i];
    if (!warp.isWaiting) {
      trouble("barrier that not all items reach", launch.label,
              itemOf(warp, 0) + " has ended while others wait");
      continue;
    }
    const int next = warp.stack.back().next;
    if (place >= 0 && next != place)
      trouble("warps wait at different barriers", launch.label, itemOf(warp, 0));
    place = next;
  }
}

}  // namespace

void execute(Launch& launch, KernelCounts& counts) { LaunchRunner(launch, counts).run(); }

}  // namespace simulated
