// The loops for any processor.

#include "loops/vector.h"
#include "loops/list.h"

#define VL(name) vl_##name##_baseline
#define VL_HAS_BF16_INSTRUCTION 0
#define VL_VECTOR_IS_REGISTER 0
#include "loops/all.h"
