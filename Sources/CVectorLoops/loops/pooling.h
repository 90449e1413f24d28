// Pooling over `lanes` channels of one image. Included once for each instruction set.

/// Rows or columns of the image that a window covers, clipped at the borders.
INLINE void window_range(int32_t position, int32_t stride, int32_t padding, int32_t window,
                         int32_t extent, int32_t *first, int32_t *last) {
  int32_t start = position * stride - padding;
  *first = start < 0 ? 0 : start;
  *last = start + window > extent ? extent : start + window;
}

#define FOR_WINDOWS(w)                                \
  for (int32_t row = 0; row < (w)->out_height; row++) \
    for (int32_t column = 0; column < (w)->out_width; column++)

#define WINDOW_BOUNDS(w)                                                                           \
  int32_t y0, y1, x0, x1;                                                                          \
  window_range(row, (w)->stride_height, (w)->padding_height, (w)->window_height, (w)->height, &y0, \
               &y1);                                                                               \
  window_range(column, (w)->stride_width, (w)->padding_width, (w)->window_width, (w)->width, &x0,  \
               &x1);                                                                               \
  const int64_t out_index = ((int64_t)row * (w)->out_width + column) * (w)->step

#define AT(w, y, x) (((int64_t)(y) * (w)->width + (x)) * (w)->step)

void VL(average_pool)(vl_type type, const vl_window *w, const void *x, void *y) {
  float inverse = 1 / (float)(w->window_height * w->window_width);
  FOR_WINDOWS(w) {
    WINDOW_BOUNDS(w);
    vf sum = splat(0);
    for (int32_t i = y0; i < y1; i++)
      for (int32_t j = x0; j < x1; j++) sum += load(type, x, AT(w, i, j), w->lanes);
    store(type, y, out_index, sum * inverse, w->lanes);
  }
}

/// The windows along one axis that cover a pixel: first ..< last.
INLINE void covering_windows(int32_t pixel, int32_t stride, int32_t padding, int32_t window,
                             int32_t count, int32_t *first, int32_t *last) {
  int32_t reach = pixel + padding - window + 1;
  *first = reach > 0 ? (reach + stride - 1) / stride : 0;
  int32_t end = (pixel + padding) / stride + 1;
  *last = end < count ? end : count;
}

/// Gathers from the windows that cover each pixel, so that each element is written once, in fp32.
void VL(average_pool_gradient)(vl_type type, const vl_window *w, const void *dy, void *dx) {
  float inverse = 1 / (float)(w->window_height * w->window_width);
  for (int32_t i = 0; i < w->height; i++) {
    for (int32_t j = 0; j < w->width; j++) {
      int32_t r0, r1, c0, c1;
      covering_windows(i, w->stride_height, w->padding_height, w->window_height, w->out_height, &r0,
                       &r1);
      covering_windows(j, w->stride_width, w->padding_width, w->window_width, w->out_width, &c0,
                       &c1);
      vf sum = splat(0);
      for (int32_t row = r0; row < r1; row++) {
        for (int32_t column = c0; column < c1; column++) {
          int64_t at = ((int64_t)row * w->out_width + column) * w->step;
          sum += load(type, dy, at, w->lanes);
        }
      }
      store(type, dx, AT(w, i, j), sum * inverse, w->lanes);
    }
  }
}

/// The largest element of each lane in a window and its first position; NaN counts as largest.
INLINE vf window_maximum(vl_type type, const vl_window *w, const void *x, int32_t y0, int32_t y1,
                         int32_t x0, int32_t x1, vi *where) {
  vf best = load(type, x, AT(w, y0, x0), w->lanes);
  vi position = (vi)(y0 * w->width + x0);
  for (int32_t i = y0; i < y1; i++) {
    for (int32_t j = x0; j < x1; j++) {
      vf value = load(type, x, AT(w, i, j), w->lanes);
      vi better = (value > best) | ((value != value) & (best == best));
      best = better ? value : best;
      position = better ? (vi)(i * w->width + j) : position;
    }
  }
  *where = position;
  return best;
}

void VL(max_pool)(vl_type type, const vl_window *w, const void *x, void *y) {
  FOR_WINDOWS(w) {
    WINDOW_BOUNDS(w);
    vi where;
    vf best = window_maximum(type, w, x, y0, y1, x0, x1, &where);
    store(type, y, out_index, best, w->lanes);
  }
}

void VL(max_pool_gradient)(vl_type type, const vl_window *w, const void *dy, const void *x,
                           void *dx) {
  const int64_t pixels = (int64_t)w->height * w->width;
  // A pixel of one window only is written once, with whole vectors.
  const int apart = w->stride_height >= w->window_height && w->stride_width >= w->window_width;
  if (w->step == w->lanes)
    VL(fill)(type, 0, dx, pixels * w->lanes);
  else
    for (int64_t i = 0; i < pixels; i++) store(type, dx, i * w->step, splat(0), w->lanes);
  FOR_WINDOWS(w) {
    WINDOW_BOUNDS(w);
    vi where;
    window_maximum(type, w, x, y0, y1, x0, x1, &where);
    vf g = load(type, dy, out_index, w->lanes);
    for (int32_t i = y0; apart && i < y1; i++)
      for (int32_t j = x0; j < x1; j++)
        store(type, dx, AT(w, i, j), where == (vi)(i * w->width + j) ? g : splat(0), w->lanes);
    for (int32_t lane = 0; !apart && lane < w->lanes; lane++) {
      int64_t at = (int64_t)where[lane] * w->step + lane;
      vf sum = load(type, dx, at, 1) + g[lane];
      store(type, dx, at, sum, 1);
    }
  }
}

void VL(max_pool_tangent)(vl_type type, const vl_window *w, const void *t, const void *x, void *y) {
  FOR_WINDOWS(w) {
    WINDOW_BOUNDS(w);
    vi where;
    window_maximum(type, w, x, y0, y1, x0, x1, &where);
    for (int32_t lane = 0; lane < w->lanes; lane++) {
      vf value = load(type, t, (int64_t)where[lane] * w->step + lane, 1);
      store(type, y, out_index + lane, value, 1);
    }
  }
}
