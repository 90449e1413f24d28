#include "CVectorLoops.h"
