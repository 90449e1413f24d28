// The loops for any processor.

#include "loops/vector.h"
#include "loops/list.h"

#define VL(name) vl_##name##_baseline
#define VL_HAS_BF16_INSTRUCTION 0
#define VL_VECTOR_IS_REGISTER 0
#pragma clang fp contract(fast)
#define X(result, function, parameters, arguments) result VL(function) parameters;
VL_FUNCTIONS(X)
#undef X
#include "loops/all.h"

const vl_table vl_table_baseline = {.name = "any processor",
#define X(result, function, parameters, arguments) .function = VL(function),
                                    VL_FUNCTIONS(X)
#undef X
};
