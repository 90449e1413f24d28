#include "CIsometryKernels.h"

// Every file of kernels/ that the engine's programs are made of (kernels/probe belongs to the probe
// alone). A test holds this list equal to the folder.

// #embed is C23; the compiler that Swift ships has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char augmentation_decode[] = {
#embed "../../kernels/augmentation/decode.cl"
};
static const unsigned char common_activation[] = {
#embed "../../kernels/common/activation.cl"
};
static const unsigned char common_matrix_result[] = {
#embed "../../kernels/common/matrix_result.cl"
};
static const unsigned char common_matrix_tile[] = {
#embed "../../kernels/common/matrix_tile.cl"
};
static const unsigned char common_matrix_unit[] = {
#embed "../../kernels/common/matrix_unit.cl"
};
static const unsigned char common_moments[] = {
#embed "../../kernels/common/moments.cl"
};
static const unsigned char common_partial_sums[] = {
#embed "../../kernels/common/partial_sums.cl"
};
static const unsigned char common_philox[] = {
#embed "../../kernels/common/philox.cl"
};
static const unsigned char common_prologue[] = {
#embed "../../kernels/common/prologue.cl"
};
static const unsigned char common_real[] = {
#embed "../../kernels/common/real.cl"
};
static const unsigned char common_result[] = {
#embed "../../kernels/common/result.cl"
};
static const unsigned char common_source[] = {
#embed "../../kernels/common/source.cl"
};
static const unsigned char common_tile[] = {
#embed "../../kernels/common/tile.cl"
};
static const unsigned char common_tree[] = {
#embed "../../kernels/common/tree.cl"
};
static const unsigned char convolution_matrix_tile[] = {
#embed "../../kernels/convolution/matrix_tile.cl"
};
static const unsigned char convolution_matrix_tile_weight_gradient[] = {
#embed "../../kernels/convolution/matrix_tile_weight_gradient.cl"
};
static const unsigned char convolution_register_tile[] = {
#embed "../../kernels/convolution/register_tile.cl"
};
static const unsigned char convolution_weight_gradient[] = {
#embed "../../kernels/convolution/weight_gradient.cl"
};
static const unsigned char gemm_epilogue[] = {
#embed "../../kernels/gemm/epilogue.cl"
};
static const unsigned char gemm_matrix_tile[] = {
#embed "../../kernels/gemm/matrix_tile.cl"
};
static const unsigned char gemm_register_tile[] = {
#embed "../../kernels/gemm/register_tile.cl"
};
static const unsigned char loss_cross_entropy[] = {
#embed "../../kernels/loss/cross_entropy.cl"
};
static const unsigned char normalization_apply[] = {
#embed "../../kernels/normalization/apply.cl"
};
static const unsigned char normalization_statistics[] = {
#embed "../../kernels/normalization/statistics.cl"
};
static const unsigned char optimizer_update[] = {
#embed "../../kernels/optimizer/update.cl"
};
static const unsigned char optimizer_variables[] = {
#embed "../../kernels/optimizer/variables.cl"
};
static const unsigned char pointwise_cast[] = {
#embed "../../kernels/pointwise/cast.cl"
};
static const unsigned char pointwise_channelwise[] = {
#embed "../../kernels/pointwise/channelwise.cl"
};
static const unsigned char pointwise_permute[] = {
#embed "../../kernels/pointwise/permute.cl"
};
static const unsigned char pointwise_pointwise[] = {
#embed "../../kernels/pointwise/pointwise.cl"
};
static const unsigned char pointwise_prepare[] = {
#embed "../../kernels/pointwise/prepare.cl"
};
static const unsigned char pooling_global[] = {
#embed "../../kernels/pooling/global.cl"
};
static const unsigned char pooling_window[] = {
#embed "../../kernels/pooling/window.cl"
};
static const unsigned char reduction_channels[] = {
#embed "../../kernels/reduction/channels.cl"
};
static const unsigned char reduction_flat[] = {
#embed "../../kernels/reduction/flat.cl"
};

#define PIECE(variable, path) \
  { path, variable, sizeof variable }

static const isometry_kernel_piece pieces[] = {
    PIECE(augmentation_decode, "augmentation/decode.cl"),
    PIECE(common_activation, "common/activation.cl"),
    PIECE(common_matrix_result, "common/matrix_result.cl"),
    PIECE(common_matrix_tile, "common/matrix_tile.cl"),
    PIECE(common_matrix_unit, "common/matrix_unit.cl"),
    PIECE(common_moments, "common/moments.cl"),
    PIECE(common_partial_sums, "common/partial_sums.cl"),
    PIECE(common_philox, "common/philox.cl"),
    PIECE(common_prologue, "common/prologue.cl"),
    PIECE(common_real, "common/real.cl"),
    PIECE(common_result, "common/result.cl"),
    PIECE(common_source, "common/source.cl"),
    PIECE(common_tile, "common/tile.cl"),
    PIECE(common_tree, "common/tree.cl"),
    PIECE(convolution_matrix_tile, "convolution/matrix_tile.cl"),
    PIECE(convolution_matrix_tile_weight_gradient, "convolution/matrix_tile_weight_gradient.cl"),
    PIECE(convolution_register_tile, "convolution/register_tile.cl"),
    PIECE(convolution_weight_gradient, "convolution/weight_gradient.cl"),
    PIECE(gemm_epilogue, "gemm/epilogue.cl"),
    PIECE(gemm_matrix_tile, "gemm/matrix_tile.cl"),
    PIECE(gemm_register_tile, "gemm/register_tile.cl"),
    PIECE(loss_cross_entropy, "loss/cross_entropy.cl"),
    PIECE(normalization_apply, "normalization/apply.cl"),
    PIECE(normalization_statistics, "normalization/statistics.cl"),
    PIECE(optimizer_update, "optimizer/update.cl"),
    PIECE(optimizer_variables, "optimizer/variables.cl"),
    PIECE(pointwise_cast, "pointwise/cast.cl"),
    PIECE(pointwise_channelwise, "pointwise/channelwise.cl"),
    PIECE(pointwise_permute, "pointwise/permute.cl"),
    PIECE(pointwise_pointwise, "pointwise/pointwise.cl"),
    PIECE(pointwise_prepare, "pointwise/prepare.cl"),
    PIECE(pooling_global, "pooling/global.cl"),
    PIECE(pooling_window, "pooling/window.cl"),
    PIECE(reduction_channels, "reduction/channels.cl"),
    PIECE(reduction_flat, "reduction/flat.cl"),
};

size_t isometry_kernel_piece_count(void) { return sizeof pieces / sizeof pieces[0]; }

isometry_kernel_piece isometry_kernel_piece_at(size_t index) { return pieces[index]; }
