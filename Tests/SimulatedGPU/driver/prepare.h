// The start of the driver, whichever face is called first.
#pragma once

namespace simulated {

// Reads the settings, and has the report written when the process ends. Later calls do nothing.
void prepare();

}  // namespace simulated
