// Troubles: what a program did that is wrong, or that a GPU might do otherwise.
#pragma once

#include <cstdio>
#include <string>

#include "ptx/types.h"

namespace simulated {

// Notes a trouble. One kind at one place is printed once, and counted.
void trouble(const std::string& kind, const std::string& place, const std::string& detail = "");

// Writes one line a trouble: kind, place, detail and count, separated by tabs.
void writeTroubles(FILE* file);

}  // namespace simulated
