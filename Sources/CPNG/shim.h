#pragma once
// libpng's simplified interface, which reports errors in a structure and needs no setjmp.
#include <png.h>
