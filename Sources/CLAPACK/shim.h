#pragma once
// LAPACKE for factorizations, CBLAS for matrix products; OpenBLAS provides both.
#include <cblas.h>
#include <lapacke.h>
