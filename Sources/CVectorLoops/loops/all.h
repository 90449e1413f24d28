// The functions and their table for one instruction set. The including file defines VL(name),
// VL_NAME, VL_HAS_BF16_INSTRUCTION and VL_VECTOR_IS_REGISTER, and sets a target attribute.

#define X(result, function, parameters, arguments) result VL(function) parameters;
VL_FUNCTIONS(X)
#undef X

#include "memory.h"
// The order matters: each file uses the ones before it.
#include "functions.h"
#include "pointwise.h"
#include "channels.h"
#include "pooling.h"
#include "merge.h"
#include "loss.h"
#include "update.h"
#include "decode.h"
#include "weight_gradient.h"
#include "winograd.h"
#include "winograd_convolve.h"
#include "winograd_gradient.h"
#include "ceiling.h"

const vl_table VL(table) = {.name = VL_NAME,
#define X(result, function, parameters, arguments) .function = VL(function),
                            VL_FUNCTIONS(X)
#undef X
};
