// Loads and stores.
#include "machine/memory.h"

#include <cstring>

#include "machine/handlers.h"
#include "machine/settings.h"
#include "machine/troubles.h"

namespace simulated {

namespace {

// What a load gives that lies outside of memory: NaN in each type.
constexpr u64 poison = 0x7FF7DEAD7FF7DEADull;

std::string nearestArgument(const Launch& launch, u64 address) {
  const MemoryRange* nearest = nullptr;
  u64 least = ~0ull;
  for (const MemoryRange& range : launch.ranges) {
    const u64 distance = address < range.begin ? range.begin - address : address - range.end;
    if (distance >= least) continue;
    least = distance;
    nearest = &range;
  }
  if (!nearest) return "there is no argument";
  return std::to_string(least) + " bytes " + (address < nearest->begin ? "before" : "behind") +
         " argument " + std::to_string(nearest->argument) + " of " +
         std::to_string(nearest->end - nearest->begin) + " bytes";
}

MemoryRange* searchRange(Group& group, u64 address, u32 bytes) {
  auto& ranges = group.launch->ranges;
  int low = 0, high = static_cast<int>(ranges.size()) - 1;
  // Neighboring lanes mostly touch the same argument.
  if (group.recentRange <= high) {
    MemoryRange& recent = ranges[group.recentRange];
    if (address >= recent.begin && address + bytes <= recent.end) return &recent;
  }
  while (low <= high) {
    const int middle = (low + high) / 2;
    if (address < ranges[middle].begin) {
      high = middle - 1;
    } else if (address >= ranges[middle].end) {
      low = middle + 1;
    } else {
      group.recentRange = middle;
      return address + bytes <= ranges[middle].end ? &ranges[middle] : nullptr;
    }
  }
  return nullptr;
}

u8* resolveGlobal(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
                  bool writes) {
  MemoryRange* range = findRange(warp, instruction, lane, address, bytes, writes);
  if (!range) return nullptr;
  noteGlobalAccess(warp, instruction, lane, *range, address, bytes, writes);
  return reinterpret_cast<u8*>(address);
}

u8* resolveShared(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
                  bool writes) {
  const u64 size = warp.group->kernel->sharedBytes;
  if (address >= size || bytes > size - address) {
    trouble(
        "outside of shared memory", placeOf(warp, instruction),
        itemOf(warp, lane) + ", byte " + std::to_string(address) + " of " + std::to_string(size));
    return nullptr;
  }
  if (settings().checksSharedRaces) {
    if (writes)
      noteSharedWrite(warp, instruction, lane, address, bytes, SharedWrite::store);
    else
      noteSharedRead(warp, instruction, lane, address, bytes);
  }
  return warp.group->shared.data() + address;
}

u8* resolveLocal(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes) {
  const u64 size = warp.group->kernel->localBytes;
  if (address < size && bytes <= size - address)
    return warp.privateMemory.data() + lane * size + address;
  trouble("outside of private memory", placeOf(warp, instruction), itemOf(warp, lane));
  return nullptr;
}

u64 element(const u8* memory, const Instruction& instruction) {
  u64 value = 0;
  std::memcpy(&value, memory, instruction.elementBytes);
  if (instruction.isSigned) {
    const int shift = 64 - 8 * instruction.elementBytes;
    value = static_cast<u64>(static_cast<i64>(value << shift) >> shift);
  }
  return value;
}

void setRegister(Warp& warp, const Instruction& instruction, int number, int lane, u64 value) {
  u8* place = warp.registers + instruction.operands[number];
  if (instruction.isWide)
    reinterpret_cast<u64*>(place)[lane] = value;
  else
    reinterpret_cast<u32*>(place)[lane] =
        static_cast<u32>(instruction.elementBytes == 2 ? value & 0xFFFF : value);
}

u64 getRegister(const Warp& warp, const Instruction& instruction, int number, int lane) {
  const u8* place = warp.registers + instruction.operands[number];
  return instruction.isWide ? reinterpret_cast<const u64*>(place)[lane]
                            : reinterpret_cast<const u32*>(place)[lane];
}

template <Space space, bool isLoad>
void access(Warp& warp, const Instruction& instruction, LaneMask mask) {
  u64 addresses[warpSize];
  computeAddresses(warp, instruction.address, addresses);
  const u32 bytes = instruction.elementBytes * instruction.elements;
  if (space == Space::global) countGlobalAccess(*warp.group, addresses, mask, bytes, isLoad);
  if (space == Space::shared) countSharedAccess(*warp.group, addresses, mask, bytes);
  u8* memory[warpSize];
  for (int lane = 0; lane < warpSize; ++lane)
    if (contains(mask, lane))
      memory[lane] = resolve(warp, instruction, lane, addresses[lane], bytes, space, !isLoad);
  for (int i = 0; i < instruction.elements; ++i)
    for (int lane = 0; lane < warpSize; ++lane) {
      if (!contains(mask, lane)) continue;
      u8* place = memory[lane] ? memory[lane] + i * instruction.elementBytes : nullptr;
      if (isLoad) {
        setRegister(warp, instruction, i, lane, place ? element(place, instruction) : poison);
      } else if (place) {
        const u64 value = getRegister(warp, instruction, i, lane);
        std::memcpy(place, &value, instruction.elementBytes);
      }
    }
}

// All lanes read the same parameter.
void loadParameter(Warp& warp, const Instruction& instruction, LaneMask mask) {
  if (instruction.address.base >= 0) return access<Space::parameter, true>(warp, instruction, mask);
  const u64 address = static_cast<u64>(instruction.address.offset);
  const u32 bytes = instruction.elementBytes * instruction.elements;
  const u8* memory = resolve(warp, instruction, 0, address, bytes, Space::parameter, false);
  for (int i = 0; i < instruction.elements; ++i) {
    const u64 value = memory ? element(memory + i * instruction.elementBytes, instruction) : poison;
    for (int lane = 0; lane < warpSize; ++lane)
      if (contains(mask, lane)) setRegister(warp, instruction, i, lane, value);
  }
}

}  // namespace

void computeAddresses(const Warp& warp, const Address& address, u64* addresses) {
  for (int lane = 0; lane < warpSize; ++lane) {
    u64 base = 0;
    if (address.base >= 0) {
      const u8* place = warp.registers + address.base;
      base = address.isWide ? reinterpret_cast<const u64*>(place)[lane]
                            : reinterpret_cast<const u32*>(place)[lane];
    }
    addresses[lane] = base + static_cast<u64>(address.offset);
    // An address of 32 bits is a sum of 32 bits: a compiler may take more from the base than it has.
    if (address.base >= 0 && !address.isWide) addresses[lane] &= 0xFFFFFFFFull;
  }
}

MemoryRange* findRange(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
                       bool writes) {
  MemoryRange* range = searchRange(*warp.group, address, bytes);
  if (!range)
    trouble(writes ? "writes outside of the arguments' memory"
                   : "reads outside of the arguments' memory",
            placeOf(warp, instruction),
            itemOf(warp, lane) + ", " + nearestArgument(*warp.group->launch, address));
  return range;
}

void noteGlobalAccess(Warp& warp, const Instruction& instruction, int lane, MemoryRange& range,
                      u64 address, u32 bytes, bool writes) {
  if (range.argument < 0) return;
  warp.group->counts->arguments |= 1ull << (range.argument & 63);
  u64& begin = writes ? range.writeBegin : range.readBegin;
  u64& end = writes ? range.writeEnd : range.readEnd;
  begin = std::min(begin, address);
  end = std::max(end, address + bytes);
  if (settings().checksGlobalRaces)
    range.shadow->note(warp, instruction, lane, range, address, bytes, writes);
}

u8* resolve(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
            Space space, bool writes) {
  requireAlignment(warp, instruction, lane, address, bytes);
  switch (space) {
    case Space::global:
    case Space::constant: return resolveGlobal(warp, instruction, lane, address, bytes, writes);
    case Space::shared: return resolveShared(warp, instruction, lane, address, bytes, writes);
    case Space::local: return resolveLocal(warp, instruction, lane, address, bytes);
    case Space::parameter: {
      auto& parameters = warp.group->launch->parameters;
      if (address + bytes <= parameters.size()) return parameters.data() + address;
      trouble("reads behind the parameters", placeOf(warp, instruction));
      return nullptr;
    }
    case Space::generic: break;
  }
  const u64 tag = address >> 56 << 56;
  const Space where = tag == localTag    ? Space::local
                      : tag == sharedTag ? Space::shared
                                         : Space::global;
  const u64 offset = where == Space::global ? address : address - tag;
  return resolve(warp, instruction, lane, offset, bytes, where, writes);
}

void requireAlignment(const Warp& warp, const Instruction& instruction, int lane, u64 address,
                      u32 bytes) {
  if (address % bytes == 0) return;
  trouble("misaligned access", placeOf(warp, instruction),
          itemOf(warp, lane) + ", the address modulo " + std::to_string(bytes) + " is " +
              std::to_string(address % bytes));
}

void requireWholeWarp(const Warp& warp, const Instruction& instruction, LaneMask mask) {
  if (mask == allLanes) return;
  trouble("warp instruction that not all lanes run", placeOf(warp, instruction),
          "mask " + std::to_string(mask));
}

Handler loadHandler(Space space) {
  switch (space) {
    case Space::global: return access<Space::global, true>;
    case Space::shared: return access<Space::shared, true>;
    case Space::local: return access<Space::local, true>;
    case Space::parameter: return loadParameter;
    case Space::constant: return access<Space::constant, true>;
    case Space::generic: break;
  }
  return access<Space::generic, true>;
}

Handler storeHandler(Space space) {
  switch (space) {
    case Space::global: return access<Space::global, false>;
    case Space::shared: return access<Space::shared, false>;
    case Space::local: return access<Space::local, false>;
    case Space::parameter:
    case Space::constant: return nullptr;
    case Space::generic: break;
  }
  return access<Space::generic, false>;
}

}  // namespace simulated
