// The functions of oneDNN 3 that the CPU backend calls, made of those of oneDNN 2.
#pragma once
#include <stdlib.h>
#include <string.h>

// Descriptors of memory are values in oneDNN 2, and behind pointers in oneDNN 3.
#define dnnl_memory_desc_t onednn2_memory_desc
#include <dnnl.h>
#include <dnnl_debug.h>
#undef dnnl_memory_desc_t
typedef onednn2_memory_desc *dnnl_memory_desc_t;
typedef const onednn2_memory_desc *const_dnnl_memory_desc_t;

static inline dnnl_status_t onednn_append_rectifier(dnnl_post_ops_t operations) {
  return dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0);
}

static inline dnnl_status_t dnnl_memory_desc_clone(dnnl_memory_desc_t *made,
                                                   const_dnnl_memory_desc_t known) {
  *made = (dnnl_memory_desc_t)malloc(sizeof **made);
  if (*made == NULL) return dnnl_out_of_memory;
  **made = *known;
  return dnnl_success;
}

static inline dnnl_status_t dnnl_memory_desc_destroy(dnnl_memory_desc_t descriptor) {
  free(descriptor);
  return dnnl_success;
}

static inline dnnl_status_t dnnl_memory_desc_create_with_tag(dnnl_memory_desc_t *made, int rank,
                                                             const dnnl_dims_t dimensions,
                                                             dnnl_data_type_t type,
                                                             dnnl_format_tag_t tag) {
  onednn2_memory_desc descriptor;
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(&descriptor, rank, dimensions, type, tag);
  return status == dnnl_success ? dnnl_memory_desc_clone(made, &descriptor) : status;
}

// Chooses an implementation of an operation, if the operation could be described.
static inline dnnl_status_t onednn2_choose(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                           dnnl_status_t described, const_dnnl_op_desc_t operation,
                                           const_dnnl_primitive_desc_t forward,
                                           const_dnnl_primitive_attr_t attributes) {
  if (described != dnnl_success) return described;
  return dnnl_primitive_desc_create(made, operation, attributes, engine, forward);
}

static inline dnnl_status_t dnnl_convolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_prop_kind_t kind,
    dnnl_alg_kind_t algorithm, const_dnnl_memory_desc_t x, const_dnnl_memory_desc_t weight,
    const_dnnl_memory_desc_t bias, const_dnnl_memory_desc_t y, const dnnl_dims_t strides,
    const dnnl_dims_t dilations, const dnnl_dims_t before, const dnnl_dims_t after,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
      &operation, kind, algorithm, x, weight, bias, y, strides, dilations, before, after);
  return onednn2_choose(made, engine, status, &operation, NULL, attributes);
}

static inline dnnl_status_t dnnl_convolution_backward_data_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_alg_kind_t algorithm,
    const_dnnl_memory_desc_t x, const_dnnl_memory_desc_t weight, const_dnnl_memory_desc_t y,
    const dnnl_dims_t strides, const dnnl_dims_t dilations, const dnnl_dims_t before,
    const dnnl_dims_t after, const_dnnl_primitive_desc_t forward,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
      &operation, algorithm, x, weight, y, strides, dilations, before, after);
  return onednn2_choose(made, engine, status, &operation, forward, attributes);
}

static inline dnnl_status_t dnnl_convolution_backward_weights_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_alg_kind_t algorithm,
    const_dnnl_memory_desc_t x, const_dnnl_memory_desc_t weight, const_dnnl_memory_desc_t bias,
    const_dnnl_memory_desc_t y, const dnnl_dims_t strides, const dnnl_dims_t dilations,
    const dnnl_dims_t before, const dnnl_dims_t after, const_dnnl_primitive_desc_t forward,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
      &operation, algorithm, x, weight, bias, y, strides, dilations, before, after);
  return onednn2_choose(made, engine, status, &operation, forward, attributes);
}

// With sums of 63 products, oneDNN 2.6 executes an illegal instruction on tiles (AMX). The next
// implementation computes them.
static inline dnnl_status_t dnnl_matmul_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, const_dnnl_memory_desc_t a,
    const_dnnl_memory_desc_t b, const_dnnl_memory_desc_t bias, const_dnnl_memory_desc_t product,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_matmul_desc_t operation;
  dnnl_status_t status = dnnl_matmul_desc_init(&operation, a, b, bias, product);
  if (status != dnnl_success) return status;
  dnnl_primitive_desc_iterator_t choices;
  status = dnnl_primitive_desc_iterator_create(&choices, &operation, attributes, engine, NULL);
  if (status != dnnl_success) return status;
  *made = dnnl_primitive_desc_iterator_fetch(choices);
  const char *name = "";
  dnnl_primitive_desc_query(*made, dnnl_query_impl_info_str, 0, &name);
  if (a->dims[a->ndims - 1] == 63 && strstr(name, "amx") != NULL) {
    dnnl_primitive_desc_destroy(*made);
    status = dnnl_primitive_desc_iterator_next(choices);
    *made = status == dnnl_success ? dnnl_primitive_desc_iterator_fetch(choices) : NULL;
  }
  dnnl_primitive_desc_iterator_destroy(choices);
  return status;
}
