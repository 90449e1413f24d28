#pragma once

// The files of kernels/, embedded when the package was built.

/// The text of the file with that path under kernels/, "common/real.cl"; NULL if there is none.
const char *_Nullable isometry_kernel_text(const char *_Nonnull name);
