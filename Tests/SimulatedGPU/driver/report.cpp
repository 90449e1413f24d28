// Writes troubles, what is still alive, and the counts of instructions.
#include "driver/report.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>

#include "driver/queues.h"
#include "machine/settings.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

template <class T>
void writeLive(FILE* file, const char* name) {
  const LiveCount& live = T::live;
  std::fprintf(file, "## %s: %ld live at the end, %ld at most, %ld made\n", name, live.now.load(),
               live.most.load(), live.all.load());
  if (live.now > 0 && settings().reportsLeaks)
    trouble("host: objects that are still alive at the end", name, std::to_string(live.now));
}

void writeSummary(FILE* file) {
  const CallCounts& calls = callCounts();
  std::fprintf(file,
               "## process %d: %" PRIu64 " launches, %" PRIu64 " clFinish, %" PRIu64
               " clFlush, %" PRIu64 " clWaitForEvents\n",
               getpid(), calls.launches, calls.finishes, calls.flushes, calls.waits);
  writeLive<_cl_mem>(file, "buffers");
  writeLive<_cl_event>(file, "events");
  writeLive<_cl_kernel>(file, "kernels");
  writeLive<_cl_program>(file, "programs");
  writeLive<_cl_command_queue>(file, "queues");
  writeLive<_cl_context>(file, "contexts");
  std::fprintf(file, "## memory: at most %" PRIu64 " bytes\n", memoryUse().most);
  std::fprintf(file, "## troubles\n");
  writeTroubles(file);
}

void writeInstruction(FILE* file, const Instruction& instruction, const InstructionCounts& counts) {
  std::fprintf(file,
               "I\t%d\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
               "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIx64 "\t%s\n",
               instruction.line, nameOf(instruction.category), counts.warps, counts.lanes,
               counts.diverged, counts.requests, counts.requestLanes, counts.units, counts.ideal,
               counts.arguments, instruction.text.c_str());
}

void writeCounts(FILE* file, const LaunchCounts& launches) {
  const KernelCounts& counts = launches.counts;
  std::fprintf(file,
               "KERNEL\t%s\t%s\tcontext=%" PRIu64 "\tran=%" PRIu64 "\tlaunches=%" PRIu64
               "\tgroups=%" PRIu64 "\titems=%" PRIu64 "\tsampled=%" PRIu64
               "\tevenness=%.3f\tshared=%u\tprogram=%s\tbytes=%" PRIu64 "\tfirst=%" PRIu64
               "\treuses=",
               launches.name.c_str(), launches.label.c_str(), launches.context, counts.groupsRun,
               counts.launches, launches.groups, launches.items, counts.groupsSampled,
               counts.instructions * counts.instructions / counts.squares / counts.groupsRun,
               launches.kernel->sharedBytes, launches.program.c_str(), launches.argumentBytes,
               counts.firstLoads);
  for (size_t distance = 0; distance < std::size(counts.reuses); ++distance)
    if (counts.reuses[distance])
      std::fprintf(file, "%zu:%" PRIu64 ",", distance, counts.reuses[distance]);
  std::fprintf(file, "\n");
  for (size_t code = 0; code < counts.codes.size(); ++code)
    for (size_t i = 0; i < counts.codes[code].size(); ++i)
      if (counts.codes[code][i].warps)
        writeInstruction(file, launches.kernel->codes[code].instructions[i], counts.codes[code][i]);
}

FILE* opened(const std::string& path) {
  FILE* file = path.empty() ? nullptr : std::fopen(path.c_str(), "a");
  if (!file && !path.empty())
    std::fprintf(stderr, "simulated GPU: cannot write %s\n", path.c_str());
  return file;
}

}  // namespace

MemoryUse& memoryUse() {
  static auto* const result = new MemoryUse;
  return *result;
}

std::map<std::string, std::unique_ptr<LaunchCounts>>& launchCounts() {
  static auto* const result = new std::map<std::string, std::unique_ptr<LaunchCounts>>;
  return *result;
}

void writeReport() {
  const Hold hold(driverLock());
  if (FILE* file = opened(settings().report)) {
    writeSummary(file);
    std::fclose(file);
  }
  if (FILE* file = opened(settings().statistics)) {
    for (const auto& [key, launches] : launchCounts())
      if (launches->counts.launches) writeCounts(file, *launches);
    std::fclose(file);
  }
}

}  // namespace simulated
