#pragma once
// libjpeg-turbo's own interface, which needs no setjmp.
#include <turbojpeg.h>
