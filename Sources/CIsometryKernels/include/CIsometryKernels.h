#pragma once
#include <stddef.h>

// The files of kernels/, embedded when the package was built.

/// The number of files.
size_t isometry_kernel_piece_count(void);

/// The path under kernels/, "common/real.cl", of the file with that number, which is below the count.
const char *_Nonnull isometry_kernel_name(size_t index);

/// The text of the file with that path under kernels/; NULL if there is none.
const char *_Nullable isometry_kernel_text(const char *_Nonnull name);
