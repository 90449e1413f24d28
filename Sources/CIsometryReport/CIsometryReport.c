#include "CIsometryReport.h"

// #embed is C23; the compiler that Swift ships has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

// A text ends with a zero.
// clang-format off
static const unsigned char style[] = {
#embed "report.css" suffix(, 0)
};
// clang-format on

const char *isometry_report_style(void) { return (const char *)style; }
