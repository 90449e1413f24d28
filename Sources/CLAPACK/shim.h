#pragma once
// LAPACKE for factorisations, CBLAS for matrix products; OpenBLAS provides both.
#include <cblas.h>
#include <lapacke.h>
