// The functions and their table for one instruction set. Expects VL(name), VL_HAS_BF16_INSTRUCTION and
// VL_VECTOR_IS_REGISTER, and that a target attribute is in force.

#include "memory.h"
// In this order: each builds on those before.
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
