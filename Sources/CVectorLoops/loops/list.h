// Every dispatched function: X(result, name, (parameters), (arguments)).

#pragma once
#include "CVectorLoops.h"

#define VL_FUNCTIONS(X)                                                                            \
  X(void, combine, (vl_type t, vl_binary o, const void *a, const void *b, void *r, int64_t n),     \
    (t, o, a, b, r, n))                                                                            \
  X(void, affine, (vl_type t, const void *x, float f, float o, void *r, int64_t n),                \
    (t, x, f, o, r, n))                                                                            \
  X(void, fill, (vl_type t, float v, void *r, int64_t n), (t, v, r, n))                            \
  X(void, cast, (vl_type t, const void *x, vl_type u, void *r, int64_t n), (t, x, u, r, n))        \
  X(void, activate, (vl_type t, vl_activation f, const void *x, void *r, int64_t n),               \
    (t, f, x, r, n))                                                                               \
  X(void, activation_gradient,                                                                     \
    (vl_type t, vl_activation f, int o, const void *a, const void *b, const void *x, void *r,      \
     int64_t n),                                                                                   \
    (t, f, o, a, b, x, r, n))                                                                      \
  X(void, activation_gradient_sums,                                                                \
    (vl_type t, const vl_slab *s, vl_activation f, int o, const void *a, const void *b,            \
     const void *x, void *r, float *c),                                                            \
    (t, s, f, o, a, b, x, r, c))                                                                   \
  X(double, sum, (vl_type t, const void *x, int64_t n), (t, x, n))                                 \
  X(double, dot, (vl_type t, const void *x, const void *y, int64_t n), (t, x, y, n))               \
  X(void, normalize,                                                                               \
    (vl_type t, const vl_slab *s, const void *x, const float *a, const float *b, const void *r,    \
     vl_activation f, void *o),                                                                    \
    (t, s, x, a, b, r, f, o))                                                                      \
  X(void, spread, (vl_type t, const vl_slab *s, const float *v, void *o), (t, s, v, o))            \
  X(void, channel_sum, (vl_type t, const vl_slab *s, const void *x, float *o), (t, s, x, o))       \
  X(void, moments, (vl_type t, const vl_slab *s, const void *x, float *m, float *d),               \
    (t, s, x, m, d))                                                                               \
  X(void, normalization_sums,                                                                      \
    (vl_type t, const vl_slab *s, const void *g, const void *x, const float *a, const float *b,    \
     const float *m, vl_activation f, float *u, float *v),                                         \
    (t, s, g, x, a, b, m, f, u, v))                                                                \
  X(void, normalization_gradient,                                                                  \
    (vl_type t, const vl_slab *s, const void *g, const void *x, const float *a, const float *b,    \
     const float *m, const float *u, const float *v, vl_activation f, void *o),                    \
    (t, s, g, x, a, b, m, u, v, f, o))                                                             \
  X(void, average_pool, (vl_type t, const vl_window *w, const void *x, void *y), (t, w, x, y))     \
  X(void, average_pool_gradient, (vl_type t, const vl_window *w, const void *x, void *y),          \
    (t, w, x, y))                                                                                  \
  X(void, max_pool, (vl_type t, const vl_window *w, const void *x, void *y), (t, w, x, y))         \
  X(void, max_pool_gradient,                                                                       \
    (vl_type t, const vl_window *w, const void *g, const void *x, void *y), (t, w, g, x, y))       \
  X(void, max_pool_tangent,                                                                        \
    (vl_type t, const vl_window *w, const void *g, const void *x, void *y), (t, w, g, x, y))       \
  X(void, merge_sums, (int64_t g, int64_t c, const float *p, const float *f, float *o),            \
    (g, c, p, f, o))                                                                               \
  X(void, merge_moments,                                                                           \
    (int64_t g, int64_t c, int64_t n, const float *a, const float *b, float *m, float *v),         \
    (g, c, n, a, b, m, v))                                                                         \
  X(void, normalization_factors,                                                                   \
    (int64_t c, const float *a, const float *b, const float *m, const float *v, float e, float *i, \
     float *f, float *o),                                                                          \
    (c, a, b, m, v, e, i, f, o))                                                                   \
  X(void, gradient_factors,                                                                        \
    (int64_t c, int64_t n, const float *i, const float *f, const float *a, const float *b,         \
     float *s, float *o),                                                                          \
    (c, n, i, f, a, b, s, o))                                                                      \
  X(void, weight_gradient,                                                                         \
    (const vl_weight_gradient_shape *w, int32_t n, int32_t k, const uint16_t *x,                   \
     const uint16_t *g, int a, uint16_t *s, float *o),                                             \
    (w, n, k, x, g, a, s, o))                                                                      \
  X(int64_t, weight_gradient_workspace, (const vl_weight_gradient_shape *w, int32_t n, int32_t k), \
    (w, n, k))                                                                                     \
  X(void, winograd_weights,                                                                        \
    (vl_type t, int d, int32_t c, int32_t k, int32_t b, const void *w, float *u),                  \
    (t, d, c, k, b, w, u))                                                                         \
  X(int64_t, winograd_workspace, (int32_t c, int32_t k), (c, k))                                   \
  X(void, winograd_convolve,                                                                       \
    (vl_type t, const vl_winograd_shape *w, int32_t c, int32_t k, int64_t i, int64_t n,            \
     const void *x, const float *u, const float *b, const void *r, vl_activation f, float *s,      \
     void *o),                                                                                     \
    (t, w, c, k, i, n, x, u, b, r, f, s, o))                                                       \
  X(void, winograd_gradient,                                                                       \
    (vl_type t, const vl_winograd_shape *w, int32_t c, int32_t k, int64_t n, const void *x,        \
     int64_t i, const void *g, int64_t j, float *s, float *o, int64_t l),                          \
    (t, w, c, k, n, x, i, g, j, s, o, l))                                                          \
  X(int64_t, winograd_gradient_workspace, (int32_t c, int32_t k), (c, k))                          \
  X(void, cross_entropy,                                                                           \
    (vl_type t, const void *z, int64_t k, int32_t l, float s, int64_t n, void *g, double *e,       \
     int32_t *c),                                                                                  \
    (t, z, k, l, s, n, g, e, c))                                                                   \
  X(void, sgd, (const vl_rule *r, float *p, const float *g, float *m, int64_t n), (r, p, g, m, n)) \
  X(void, adam, (const vl_rule *r, float *p, const float *g, float *m, float *v, int64_t n),       \
    (r, p, g, m, v, n))                                                                            \
  X(void, rms_prop, (const vl_rule *r, float *p, const float *g, float *m, float *v, int64_t n),   \
    (r, p, g, m, v, n))                                                                            \
  X(void, decode,                                                                                  \
    (vl_type t, const vl_decoding *d, const float *l, uint64_t n, const uint8_t *x, void *y),      \
    (t, d, l, n, x, y))                                                                            \
  X(double, multiply_add, (vl_type t, int32_t c, int64_t n), (t, c, n))                            \
  X(int64_t, multiply_add_operations, (vl_type t, int32_t c), (t, c))

/// One instruction set's functions.
typedef struct {
  const char *name;
#define X(result, function, parameters, arguments) result(*function) parameters;
  VL_FUNCTIONS(X)
#undef X
} vl_table;

extern const vl_table vl_table_baseline;
#if defined(__x86_64__)
extern const vl_table vl_table_avx2;
extern const vl_table vl_table_avx512;
extern const vl_table vl_table_avx512_bf16;
#endif
