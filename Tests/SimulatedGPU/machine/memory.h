// From addresses to memory of the host, with the checks of each access.
#pragma once

#include "machine/launch.h"
#include "machine/warp.h"

namespace simulated {

// The contents of an address for each lane.
void computeAddresses(const Warp& warp, const Address& address, u64* addresses);

// The range of the launch's arguments that holds all bytes, or nullptr, which is reported.
MemoryRange* findRange(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
                       bool writes);

// Notes what an access touches of an argument, and reports races between groups.
void noteGlobalAccess(Warp& warp, const Instruction& instruction, int lane, MemoryRange& range,
                      u64 address, u32 bytes, bool writes);

// The memory of an access, or nullptr if it lies outside; reports all that is wrong with the
// access.
u8* resolve(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
            Space space, bool writes);

// Reports an address that is no multiple of the bytes.
void requireAlignment(const Warp& warp, const Instruction& instruction, int lane, u64 address,
                      u32 bytes);

// Reports a warp instruction that not all lanes of a warp run.
void requireWholeWarp(const Warp& warp, const Instruction& instruction, LaneMask mask);

// shared_checks.cpp: note an access of shared memory and report races.
void noteSharedRead(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes);
enum class SharedWrite { store, copyBegins, copyArrives };
void noteSharedWrite(Warp& warp, const Instruction& instruction, int lane, u64 address, u32 bytes,
                     SharedWrite kind);

}  // namespace simulated
