#pragma once
// LAPACKE for factorisations, CBLAS for matrix products; OpenBLAS provides both.
#include <lapacke.h>
#include <cblas.h>
