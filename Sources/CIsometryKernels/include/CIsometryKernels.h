#pragma once
#include <stddef.h>

/// One file of kernels/, embedded when the package was built.
typedef struct {
  /// The path under kernels/, "common/real.cl".
  const char *_Nonnull name;
  /// The file's text, with a zero behind it.
  const unsigned char *_Nonnull text;
} isometry_kernel_piece;

/// How many files are embedded.
size_t isometry_kernel_piece_count(void);

/// The file of that number, which is below the count.
isometry_kernel_piece isometry_kernel_piece_at(size_t index);
