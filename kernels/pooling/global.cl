// The mean over each image and channel of x [images, pixels, channels], and its gradient.
//
//   pooling_global_average            y[n, c] = sum of x[n, pixel, c] / pixels
//   pooling_global_average_gradient   dx[n, pixel, c] = dy[n, c] / pixels, perhaps plus
//                                     addend[n, pixel, c], and times phi' at
//                                     reference[n, pixel, c] (common/result.cl)
//
// Geometry: one work-item a vector of WIDTH channels of one image (forward) or of one pixel
// (gradient), channels innermost. Assumes WIDTH divides channels. Tunables: WIDTH, LOCAL_SIZE.
// Shape class: ACTIVATION, SLOPE_FROM_OUTPUT. Deterministic.
// uses: common/line.cl common/result.cl

LINE_KERNEL void pooling_global_average(const global real *restrict x, global real *restrict y,
                                        const int images, const int pixels, const int channels) {
  const size_t item = get_global_id(0);
  const int vectors = channels / WIDTH;
  if (item >= (size_t)images * vectors) return;
  const global real *from = x + item / vectors * pixels * channels + item % vectors * WIDTH;
  accums sum = SPREAD(0);
  for (int pixel = 0; pixel < pixels; ++pixel) sum += load_reals(from + (size_t)pixel * channels);
  store_reals(sum / (accum)pixels, y + item * WIDTH);
}

LINE_KERNEL void pooling_global_average_gradient(const global real *restrict dy,
                                                 const global real *restrict addend,
                                                 const global real *restrict reference,
                                                 global real *restrict dx, const int terms,
                                                 const int images, const int pixels,
                                                 const int channels) {
  const size_t item = get_global_id(0);
  const int vectors = channels / WIDTH;
  if (item >= (size_t)images * pixels * vectors) return;
  const size_t image = item / vectors / pixels;
  const accums value = load_reals(dy + image * channels + item % vectors * WIDTH);
  const size_t place = item * WIDTH;
  store_gradient(value / (accum)pixels, terms, addend + place, reference + place, dx + place);
}
