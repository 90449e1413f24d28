// Vectorized loops for operations that oneDNN lacks, or does with more passes over memory.
//
// Every function works on the calling thread; the caller divides the work (Team.c). Arithmetic is
// fp32 for every storage type. The order of sums depends on the sizes alone, so results do not
// depend on the number of threads. The functions are compiled for several instruction sets and
// dispatched once, when the library is loaded (Dispatch.c).

#pragma once
#include <stdint.h>

/// The storage type of elements.
typedef enum { VL_FLOAT32 = 0, VL_BFLOAT16 = 1 } vl_type;

/// The activations, in the order of IsometryCore's `Activation.allNamed`.
typedef enum {
  VL_RELU,
  VL_LEAKY_RELU,
  VL_LINEAR,
  VL_TANH,
  VL_HARD_TANH,
  VL_SIGMOID,
  VL_ERF,
  VL_UNIT_ERF,
  VL_SELU,
  VL_ELU,
  VL_SOFTPLUS,
  VL_SILU,
  VL_GELU,
  VL_SHIFTED_RELU
} vl_activation_kind;

/// An activation with its parameter: leaky ReLU's slope, ELU's alpha.
typedef struct {
  vl_activation_kind kind;
  float parameter;
} vl_activation;

/// A run of vectors of 16 lanes that belong to the same few channels: lane i of each vector holds
/// channel `i % lanes`. Vectors start `step` elements apart. All are `width` lanes wide, except the
/// last, which is `last` wide.
typedef struct {
  int64_t vectors;
  int64_t step;
  int32_t lanes;  // channels in a vector: a divisor of 16, or 16
  int32_t width;
  int32_t last;
} vl_strip;

/// The name of the instruction set that the functions were dispatched to.
const char *vl_instruction_set(void);

// MARK: Pointwise, n elements of one type

typedef enum { VL_ADD, VL_SUBTRACT, VL_MULTIPLY } vl_binary;

void vl_combine(vl_type type, vl_binary operation, const void *a, const void *b, void *out,
                int64_t n);
/// out = factor * x + offset
void vl_affine(vl_type type, const void *x, float factor, float offset, void *out, int64_t n);
void vl_fill(vl_type type, float value, void *out, int64_t n);
void vl_cast(vl_type from, const void *x, vl_type to, void *out, int64_t n);
void vl_activate(vl_type type, vl_activation activation, const void *x, void *out, int64_t n);
/// out = (dy + dy2) * phi'(reference); dy2 may be null. The reference is phi's result if
/// `from_output` is nonzero, otherwise its argument.
void vl_activation_gradient(vl_type type, vl_activation activation, int from_output, const void *dy,
                            const void *dy2, const void *reference, void *out, int64_t n);

// MARK: Sums, n elements

double vl_sum(vl_type type, const void *x, int64_t n);
double vl_dot(vl_type type, const void *x, const void *y, int64_t n);

// MARK: Channels, one strip; the vectors hold one element a channel of the strip

/// out = phi(x * scale + shift + residual). scale, shift and residual may be null for 1, 0 and 0.
void vl_normalize(vl_type type, const vl_strip *strip, const void *x, const float *scale,
                  const float *shift, const void *residual, vl_activation activation, void *out);
/// out = value
void vl_spread(vl_type type, const vl_strip *strip, const float *value, void *out);
/// sum = sum of x
void vl_channel_sum(vl_type type, const vl_strip *strip, const void *x, float *sum);
/// Computes `vl_activation_gradient`, and each channel's sum of the stored values.
void vl_activation_gradient_sums(vl_type type, const vl_strip *strip, vl_activation activation,
                                 int from_output, const void *dy, const void *dy2,
                                 const void *reference, void *out, float *sum);
/// The mean of the strip's elements of each channel, and the sum of squared deviations from it.
void vl_moments(vl_type type, const vl_strip *strip, const void *x, float *mean, float *deviation);
/// With z = x * scale + shift and g = dy * phi'(z): sum = sum of g, dot = sum of g * (x - mean).
void vl_normalization_sums(vl_type type, const vl_strip *strip, const void *dy, const void *x,
                           const float *scale, const float *shift, const float *mean,
                           vl_activation activation, float *sum, float *dot);
/// With g as above: dx = g * scale + (x - mean) * slope + offset.
void vl_normalization_gradient(vl_type type, const vl_strip *strip, const void *dy, const void *x,
                               const float *scale, const float *shift, const float *mean,
                               const float *slope, const float *offset, vl_activation activation,
                               void *dx);

// MARK: Channels, merging the partial results of strips: tables [groups, channels]

/// out = factor * the sum over groups. factor has one number a channel and may be null for 1.
void vl_merge_sums(int64_t groups, int64_t channels, const float *partials, const float *factor,
                   float *out);
/// The mean and biased variance from those of groups of `elements` elements each.
void vl_merge_moments(int64_t groups, int64_t channels, int64_t elements, const float *means,
                      const float *deviations, float *mean, float *variance);
/// inverse = 1 / sqrt(variance + epsilon), factor = scale * inverse, offset = shift - mean *
/// factor.
void vl_normalization_factors(int64_t channels, const float *scale, const float *shift,
                              const float *mean, const float *variance, float epsilon,
                              float *inverse, float *factor, float *offset);
/// slope = -factor * inverse * dscale / elements, offset = -factor * dshift / elements.
void vl_gradient_factors(int64_t channels, int64_t elements, const float *inverse,
                         const float *factor, const float *dshift, const float *dscale,
                         float *slope, float *offset);

// MARK: Pooling, one image and the channels of one vector

/// A window sliding over `lanes` channels of an image, at most 16. They follow each other at each pixel;
/// pixels are `step` elements apart, in the image and in the result.
typedef struct {
  int32_t lanes;
  int32_t step;
  int32_t height, width;          // of the image
  int32_t out_height, out_width;  // of the result
  int32_t window_height, window_width;
  int32_t stride_height, stride_width;
  int32_t padding_height, padding_width;
} vl_window;

void vl_average_pool(vl_type type, const vl_window *window, const void *x, void *y);
void vl_average_pool_gradient(vl_type type, const vl_window *window, const void *dy, void *dx);
void vl_max_pool(vl_type type, const vl_window *window, const void *x, void *y);
/// dx receives each window's gradient at the window's first largest element of x.
void vl_max_pool_gradient(vl_type type, const vl_window *window, const void *dy, const void *x,
                          void *dx);
/// y = t at each window's first largest element of x.
void vl_max_pool_tangent(vl_type type, const vl_window *window, const void *t, const void *x,
                         void *y);

// MARK: Weight gradients in bf16

/// A 3x3 convolution of images. `channels` and `results` are multiples of 16; rows and columns of windows
/// are 1 or 2 pixels apart.
typedef struct {
  int32_t channels, height, width;
  int32_t results, out_height, out_width;
  int32_t stride_height, stride_width;
  int32_t padding_height, padding_width;
} vl_weight_gradient_shape;

/// The bytes of workspace that `vl_weight_gradient` needs. `blocks` is even. They are 0 if the processor has no bf16
/// instructions; `vl_weight_gradient` then does nothing.
int64_t vl_weight_gradient_workspace(const vl_weight_gradient_shape *convolution, int32_t images,
                                     int32_t blocks);

/// Computes a part of the weight gradient, fp32 [results / 16, channels / 16, r, s, 16, 16]. The
/// part is the contribution of some images, in blocks of 16 channels, to an even number of blocks of results. If `accumulates` is
/// nonzero it is added to dw. Images follow each other with all their channels; dy and dw point to
/// the first of the blocks.
void vl_weight_gradient(const vl_weight_gradient_shape *convolution, int32_t images, int32_t blocks,
                        const uint16_t *image, const uint16_t *dy, int accumulates,
                        uint16_t *workspace, float *dw);

/// The same for channels-last images, on tiles (AMX), for any number of blocks of results. The padding is
/// 1. Only for processors with tiles, once the system lets the process use them.
int64_t vl_tile_gradient_workspace(const vl_weight_gradient_shape *convolution, int32_t images,
                                   int32_t blocks);
void vl_tile_gradient(const vl_weight_gradient_shape *convolution, int32_t images, int32_t blocks,
                      const uint16_t *image, const uint16_t *dy, int accumulates,
                      uint16_t *workspace, float *dw);

/// The weights in bf16 with which a convolution of stride 1 computes the input gradient of another: rows and
/// columns of kernels reversed, channels and results exchanged. Of one block of channels of the weights
/// [results / 16, channels / 16, r, s, 16, 16], that is one block of results of `out`.
void vl_reverse_weights(int32_t result_blocks, int32_t channel_blocks, int32_t channel_block,
                        const uint16_t *weights, uint16_t *out);

// MARK: Winograd's algorithm; 3x3 kernels, stride 1, padding 1

/// Rows and columns of a tile of results, numbers of a transformed tile, and tiles that
/// `vl_winograd_convolve` processes at once.
enum { VL_WINOGRAD_SIDE = 4, VL_WINOGRAD_PLACES = 36, VL_WINOGRAD_TILES = 16 };

/// The size of images [block][row][column][16 channels].
typedef struct {
  int32_t height, width;
} vl_winograd_shape;

/// Transforms one channel block's weights to its part of fp32 [36][channels][results]. The weights
/// are [result block][channel block][3][3][16 channels][16 results] of `type`. If `transposes` is
/// nonzero the result is for the input gradient, whose channels are the weights' results.
void vl_winograd_weights(vl_type type, int transposes, int32_t channel_blocks,
                         int32_t result_blocks, int32_t channel_block, const void *weights,
                         float *transformed);
/// The number of floats of workspace that `vl_winograd_convolve` needs.
int64_t vl_winograd_workspace(int32_t channel_blocks, int32_t result_blocks);
/// out = phi(x * weights + bias + residual) for `count` tiles of some images from tile `first` on.
/// x, residual and out are of `type`; bias and residual may be null.
void vl_winograd_convolve(vl_type type, const vl_winograd_shape *shape, int32_t channel_blocks,
                          int32_t result_blocks, int64_t first, int64_t count, const void *x,
                          const float *weights, const float *bias, const void *residual,
                          vl_activation activation, float *workspace, void *out);

/// The number of floats of workspace that `vl_winograd_gradient` needs.
int64_t vl_winograd_gradient_workspace(int32_t channel_blocks, int32_t result_blocks);
/// Computes the weight gradient, fp32 [result block][channel block][3][3][16 channels][16 results],
/// of one or more images. x and dy are of `type` and have the given numbers of blocks. Their images
/// are `x_step` and `dy_step` elements apart; dw's result blocks are `dw_step` numbers apart.
void vl_winograd_gradient(vl_type type, const vl_winograd_shape *shape, int32_t channel_blocks,
                          int32_t result_blocks, int64_t images, const void *x, int64_t x_step,
                          const void *dy, int64_t dy_step, float *workspace, float *dw,
                          int64_t dw_step);

// MARK: Weights, n elements of one unit, as in IsometryGraph's `WeightStandardization`

/// out = scale * (w - mean) / sqrt(sum of (w - mean)^2 + epsilon)
void vl_standardize(vl_type type, const float *w, int64_t n, float scale, float epsilon, void *out);
/// The gradients of the weights and of the gain, for a scale of factor * gain.
void vl_standardize_gradient(const float *dy, const float *w, int64_t n, float factor, float gain,
                             float epsilon, float *dw, float *dgain);

// MARK: Loss, one row

/// The row's cross-entropy against smoothed targets, and its gradient divided by `rows`. The row's own
/// label has the share `share`, and that of row rows - 1 - row the rest. `correct` is 1 if the first
/// largest logit is at the own label. A label outside the classes contributes zeros.
void vl_cross_entropy(vl_type type, const void *logits, int64_t classes, const int32_t *labels,
                      int64_t row, int64_t rows, float share, float smoothing, void *gradient,
                      double *loss, int32_t *correct);

// MARK: Updates, n elements of fp32

/// The parameters of the rules of IsometryGraph's `Update`; g = gradient * gradient_scale in all of
/// them.
typedef struct {
  float learning_rate;
  float weight_decay;
  float gradient_scale;
  float momentum;
  float beta1, beta2;            // Adam's; beta1 is RMSProp's alpha
  float new_share1, new_share2;  // 1 - beta; in float, 1 - 0.999f would be 1.3e-5 too small
  float correction1;             // 1 / (1 - beta1^t)
  float correction2;             // 1 / (1 - beta2^t)
  float epsilon;
  int32_t nesterov;
  int32_t decoupled;
} vl_rule;

void vl_sgd(const vl_rule *rule, float *parameter, const float *gradient, float *momentum,
            int64_t n);
void vl_adam(const vl_rule *rule, float *parameter, const float *gradient, float *first,
             float *second, int64_t n);
void vl_rms_prop(const vl_rule *rule, float *parameter, const float *gradient, float *square,
                 float *momentum, int64_t n);

// MARK: Input

/// The parameters of IsometryGraph's `ImageDecoding`, for one image.
typedef struct {
  int32_t channels, height, width;
  int32_t augmented;
  int32_t crop_padding;
  /// Whether the image is reflected at its border; if not, it continues with zeros.
  int32_t reflects;
  int32_t flips;
  int32_t cutout;
  /// The offset and mirroring of a view without augmentation.
  int32_t down;
  int32_t right;
  int32_t mirrored;
  uint64_t seed;
  uint64_t stream;
} vl_decoding;

/// Decodes sample number `sample`; `levels` [channels, 256] holds the decoded value of each byte.
/// `origin` is the number of the image in its data set and the epoch, if flips alternate, or NULL.
void vl_decode(vl_type type, const vl_decoding *decoding, const float *levels, uint64_t sample,
               const int32_t *origin, const uint8_t *image, void *out);

/// a = share * a + (1 - share) * b, and b likewise with the old a; both may be the same memory.
void vl_mix(vl_type type, float share, void *a, void *b, int64_t n);

// MARK: Peak arithmetic

/// `rounds` multiply-adds of vectors in each of 6 or 12 independent chains of registers, on the
/// calling thread. The returned value has no meaning. bf16 has fp32 sums and uses the bf16
/// instruction if the processor has it.
double vl_multiply_add(vl_type type, int32_t chains, int64_t rounds);

/// The operations of one round; a multiply-add counts as two.
int64_t vl_multiply_add_operations(vl_type type, int32_t chains);

// MARK: Threads

/// The calling thread's index in the team.
int32_t vl_thread_index(void);

/// The number of threads of oneDNN's team.
int32_t vl_thread_count(void);
/// Sets the number of threads, before any of them is used.
void vl_set_thread_count(int32_t count);
/// The numbers of the processors on which the calling thread may run, at most `capacity`. Returns how many.
int32_t vl_processors(int32_t *numbers, int32_t capacity);
/// Binds all threads that the process has to these processors; later ones inherit it.
void vl_bind_threads(const int32_t *numbers, int32_t count);

/// Calls body(context, first, last) on up to `threads` threads of the team with consecutive parts
/// of 0 ..< count. It returns when all are done.
void vl_parallel(int64_t count, int32_t threads,
                 void (*body)(void *context, int64_t first, int64_t last), void *context);
