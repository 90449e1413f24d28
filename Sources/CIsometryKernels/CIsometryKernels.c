#include "CIsometryKernels.h"
#include <string.h>

// Every file of kernels/. A test holds this list equal to the folder.

// #embed is C23; the compiler that Swift ships has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

// The path under kernels/, "common/real.cl", and the file's text with a zero behind it.
static const struct {
  const char *name;
  const unsigned char *text;
} pieces[] = {
#define PIECE "../../kernels/augmentation/decode.cl"
#include "piece.h"
#define PIECE "../../kernels/common/activation.cl"
#include "piece.h"
#define PIECE "../../kernels/common/grid.cl"
#include "piece.h"
#define PIECE "../../kernels/common/line.cl"
#include "piece.h"
#define PIECE "../../kernels/common/matrix_result.cl"
#include "piece.h"
#define PIECE "../../kernels/common/matrix_tile.cl"
#include "piece.h"
#define PIECE "../../kernels/common/matrix_unit.cl"
#include "piece.h"
#define PIECE "../../kernels/common/moments.cl"
#include "piece.h"
#define PIECE "../../kernels/common/partial_sums.cl"
#include "piece.h"
#define PIECE "../../kernels/common/philox.cl"
#include "piece.h"
#define PIECE "../../kernels/common/prologue.cl"
#include "piece.h"
#define PIECE "../../kernels/common/real.cl"
#include "piece.h"
#define PIECE "../../kernels/common/result.cl"
#include "piece.h"
#define PIECE "../../kernels/common/source.cl"
#include "piece.h"
#define PIECE "../../kernels/common/spans.cl"
#include "piece.h"
#define PIECE "../../kernels/common/tile.cl"
#include "piece.h"
#define PIECE "../../kernels/common/tree.cl"
#include "piece.h"
#define PIECE "../../kernels/convolution/matrix_tile.cl"
#include "piece.h"
#define PIECE "../../kernels/convolution/matrix_tile_weight_gradient.cl"
#include "piece.h"
#define PIECE "../../kernels/convolution/register_tile.cl"
#include "piece.h"
#define PIECE "../../kernels/convolution/weight_gradient.cl"
#include "piece.h"
#define PIECE "../../kernels/gemm/epilogue.cl"
#include "piece.h"
#define PIECE "../../kernels/gemm/matrix_tile.cl"
#include "piece.h"
#define PIECE "../../kernels/gemm/register_tile.cl"
#include "piece.h"
#define PIECE "../../kernels/loss/cross_entropy.cl"
#include "piece.h"
#define PIECE "../../kernels/normalization/apply.cl"
#include "piece.h"
#define PIECE "../../kernels/normalization/factor.cl"
#include "piece.h"
#define PIECE "../../kernels/normalization/gradient.cl"
#include "piece.h"
#define PIECE "../../kernels/normalization/statistics.cl"
#include "piece.h"
#define PIECE "../../kernels/optimizer/update.cl"
#include "piece.h"
#define PIECE "../../kernels/optimizer/variables.cl"
#include "piece.h"
#define PIECE "../../kernels/pointwise/cast.cl"
#include "piece.h"
#define PIECE "../../kernels/pointwise/channelwise.cl"
#include "piece.h"
#define PIECE "../../kernels/pointwise/permute.cl"
#include "piece.h"
#define PIECE "../../kernels/pointwise/pointwise.cl"
#include "piece.h"
#define PIECE "../../kernels/pointwise/prepare.cl"
#include "piece.h"
#define PIECE "../../kernels/pooling/global.cl"
#include "piece.h"
#define PIECE "../../kernels/pooling/window.cl"
#include "piece.h"
#define PIECE "../../kernels/probe/ceilings.cl"
#include "piece.h"
#define PIECE "../../kernels/probe/hopper_nvidia.cl"
#include "piece.h"
#define PIECE "../../kernels/probe/tensor_cores_nvidia.cl"
#include "piece.h"
#define PIECE "../../kernels/reduction/channels.cl"
#include "piece.h"
#define PIECE "../../kernels/reduction/flat.cl"
#include "piece.h"
};

size_t isometry_kernel_piece_count(void) { return sizeof pieces / sizeof pieces[0]; }

const char *isometry_kernel_name(size_t index) { return pieces[index].name; }

const char *isometry_kernel_text(const char *name) {
  for (size_t index = 0; index < isometry_kernel_piece_count(); ++index) {
    if (strcmp(pieces[index].name, name) == 0) return (const char *)pieces[index].text;
  }
  return NULL;
}
