// Pooling over windows of channels-last images x [images, height, width, channels].
//
//   pooling_average            y = sum of the window / (window height * window width); padding is 0
//   pooling_max                y = the largest element of the window; padding never wins
//   pooling_average_gradient   dx = sum of dy / window size over the windows that see the pixel
//   pooling_max_gradient       dx = sum of dy over the windows whose first largest element it is
//   pooling_max_tangent        y = t at the first largest element of the window of x
//
// "First" is in row-major order within the window. Gradients are gathered, never scattered, so that
// no atomics are needed. Geometry: one work-item a pixel of the result and a vector of WIDTH
// channels, channels innermost. Assumes WIDTH divides channels. Tunables: WIDTH, LOCAL_SIZE.
// Deterministic.
// uses: common/line.cl common/real.cl

typedef struct {
  int height, width, channels;
  int window_height, window_width;
  int stride_height, stride_width;
  int padding_height, padding_width;
  int pooled_height, pooled_width;
} Pooling;

// The sizes as arguments, in the order of the structure, after `images`.
#define POOLING_ARGUMENTS                                                        \
  const int images, const int height, const int width, const int channels,       \
      const int window_height, const int window_width, const int stride_height,  \
      const int stride_width, const int padding_height, const int padding_width, \
      const int pooled_height, const int pooled_width
#define POOLING                                                                        \
  {                                                                                    \
    height, width, channels, window_height, window_width, stride_height, stride_width, \
        padding_height, padding_width, pooled_height, pooled_width                     \
  }

// The place of this work-item: image, row, column of an image of the given extents, first channel.
typedef struct {
  int image, row, column, c;
} PixelPosition;

static inline PixelPosition position_of(const size_t item, const int rows, const int columns,
                                        const int channels) {
  const int vectors = channels / WIDTH;
  const size_t pixel = item / vectors;
  const PixelPosition place = {(int)(pixel / columns / rows), (int)(pixel / columns % rows),
                               (int)(pixel % columns), (int)(item % vectors) * WIDTH};
  return place;
}

static inline size_t offset_of(const int image, const int row, const int column, const int rows,
                               const int columns, const int channels) {
  return (((size_t)image * rows + row) * columns + column) * channels;
}

// This work-item and its place in `images` images of rows by columns; leaves if there is none.
#define FIND_PLACE(rows, columns)                                                       \
  const size_t item = get_global_id(0);                                                 \
  if (item >= (size_t)images * (rows) * (columns) * (size_t)(channels / WIDTH)) return; \
  const PixelPosition at = position_of(item, rows, columns, channels);

LINE_KERNEL void pooling_average(const global real *restrict x, global real *restrict y,
                                 POOLING_ARGUMENTS) {
  FIND_PLACE(pooled_height, pooled_width)
  const int top = at.row * stride_height - padding_height;
  const int left = at.column * stride_width - padding_width;
  accums sum = SPREAD(0);
  for (int h = max(top, 0); h < min(top + window_height, height); ++h) {
    for (int w = max(left, 0); w < min(left + window_width, width); ++w) {
      sum += load_reals(x + offset_of(at.image, h, w, height, width, channels) + at.c);
    }
  }
  store_reals(sum / (accum)(window_height * window_width), y + item * WIDTH);
}

// The values and places (h * width + w) of the first largest elements of a window.
static inline accums largest_of_window(const global real *x, const Pooling p, const int image,
                                       const int pooled_row, const int pooled_column, const int c,
                                       int *places) {
  const int top = pooled_row * p.stride_height - p.padding_height;
  const int left = pooled_column * p.stride_width - p.padding_width;
  accum best[WIDTH];
  int is_first = 1;
  for (int h = max(top, 0); h < min(top + p.window_height, p.height); ++h) {
    for (int w = max(left, 0); w < min(left + p.window_width, p.width); ++w) {
      const global real *pixel = x + offset_of(image, h, w, p.height, p.width, p.channels) + c;
      for (int i = 0; i < WIDTH; ++i) {
        const accum value = load_real(pixel + i);
        // A NaN takes the window and keeps it.
        if (is_first || value > best[i] || (isnan(value) && !isnan(best[i]))) {
          best[i] = value;
          places[i] = h * p.width + w;
        }
      }
      is_first = 0;
    }
  }
  return LANES_TO_VECTOR(best);
}

LINE_KERNEL void pooling_max(const global real *restrict x, global real *restrict y,
                             POOLING_ARGUMENTS) {
  FIND_PLACE(pooled_height, pooled_width)
  const Pooling p = POOLING;
  int places[WIDTH];
  store_reals(largest_of_window(x, p, at.image, at.row, at.column, at.c, places), y + item * WIDTH);
}

LINE_KERNEL void pooling_max_tangent(const global real *restrict t, const global real *restrict x,
                                     global real *restrict y, POOLING_ARGUMENTS) {
  FIND_PLACE(pooled_height, pooled_width)
  const Pooling p = POOLING;
  int places[WIDTH];
  largest_of_window(x, p, at.image, at.row, at.column, at.c, places);
  for (int i = 0; i < WIDTH; ++i) {
    const size_t from = ((size_t)at.image * height * width + places[i]) * channels + at.c + i;
    store_real(load_real(t + from), y + item * WIDTH + i);
  }
}

// The first and the one after the last of the windows along one axis that see a pixel.
static inline int first_window(const int pixel, const int window, const int stride,
                               const int padding) {
  const int reach = pixel + padding - window + 1;
  return reach > 0 ? (reach + stride - 1) / stride : 0;
}
static inline int end_window(const int pixel, const int stride, const int padding,
                             const int pooled) {
  return min((pixel + padding) / stride + 1, pooled);
}

// Runs a statement for each window, row i and column j of the pooled image, that sees the pixel.
#define FOR_EACH_WINDOW_OVER(at)                                                                \
  const int end_row = end_window(at.row, stride_height, padding_height, pooled_height);         \
  const int end_column = end_window(at.column, stride_width, padding_width, pooled_width);      \
  for (int i = first_window(at.row, window_height, stride_height, padding_height); i < end_row; \
       ++i)                                                                                     \
    for (int j = first_window(at.column, window_width, stride_width, padding_width);            \
         j < end_column; ++j)

LINE_KERNEL void pooling_average_gradient(const global real *restrict dy, global real *restrict dx,
                                          POOLING_ARGUMENTS) {
  FIND_PLACE(height, width)
  accums sum = SPREAD(0);
  FOR_EACH_WINDOW_OVER(at) {
    sum += load_reals(dy + offset_of(at.image, i, j, pooled_height, pooled_width, channels) + at.c);
  }
  store_reals(sum / (accum)(window_height * window_width), dx + item * WIDTH);
}

LINE_KERNEL void pooling_max_gradient(const global real *restrict dy, const global real *restrict x,
                                      global real *restrict dx, POOLING_ARGUMENTS) {
  FIND_PLACE(height, width)
  const Pooling p = POOLING;
  accum sum[WIDTH];
  for (int lane = 0; lane < WIDTH; ++lane) sum[lane] = 0;
  FOR_EACH_WINDOW_OVER(at) {
    int places[WIDTH];
    largest_of_window(x, p, at.image, i, j, at.c, places);
    const size_t from = offset_of(at.image, i, j, pooled_height, pooled_width, channels) + at.c;
    for (int lane = 0; lane < WIDTH; ++lane) {
      if (places[lane] == at.row * width + at.column) sum[lane] += load_real(dy + from + lane);
    }
  }
  store_reals(LANES_TO_VECTOR(sum), dx + item * WIDTH);
}
