// Every dispatched function.

#pragma once
#include "CVectorLoops.h"

// clang-format off
#define VL_FUNCTIONS(X) \
  X(combine) X(affine) X(fill) X(cast) X(activate) X(activation_gradient) \
  X(activation_gradient_sums) X(sum) X(dot) X(normalize) X(spread) X(channel_sum) X(moments) \
  X(normalization_sums) X(normalization_gradient) X(average_pool) X(average_pool_gradient) \
  X(max_pool) X(max_pool_gradient) X(max_pool_tangent) X(merge_sums) X(merge_moments) \
  X(normalization_factors) X(gradient_factors) X(weight_gradient) X(weight_gradient_workspace) \
  X(winograd_weights) X(winograd_workspace) X(winograd_convolve) X(winograd_gradient) \
  X(winograd_gradient_workspace) X(cross_entropy) X(sgd) X(adam) X(rms_prop) X(decode) \
  X(standardize) X(standardize_gradient) \
  X(mix) X(multiply_add) X(multiply_add_operations)
