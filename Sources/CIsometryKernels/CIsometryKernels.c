#include "CIsometryKernels.h"
