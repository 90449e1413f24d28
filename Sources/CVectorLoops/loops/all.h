// The functions for one instruction set. The including file defines VL(name),
// VL_HAS_BF16_INSTRUCTION and VL_VECTOR_IS_REGISTER, and sets a target attribute.

#pragma clang fp contract(fast)

#define X(function) __attribute__((visibility("hidden"))) __typeof__(vl_##function) VL(function);
VL_FUNCTIONS(X)
#undef X

#include "memory.h"
// The order matters: each file uses the ones before it.
#include "functions.h"
#include "pointwise.h"
#include "channels.h"
#include "standardize.h"
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
