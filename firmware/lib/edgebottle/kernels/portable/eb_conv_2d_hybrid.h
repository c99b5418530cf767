/* 2-D convolution of float32 by int8 weights, portable C: see eb_hybrid.h. */
#ifndef EB_CONV_2D_HYBRID_H
#define EB_CONV_2D_HYBRID_H

/* The sum of one output: `image` is quantized, the window begins at row `y` and column `x`. */
static inline int32_t eb_conv_2d_hybrid_sum(const eb_conv_2d_hybrid *p,
                                            const int8_t *image,
                                            int32_t zero_point,
                                            int32_t y,
                                            int32_t x,
                                            const int8_t *weight)
{
    const int32_t depth = p->input_channels / p->groups;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int32_t row = y + ky * p->dilation_height;
        for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
            const int32_t column = x + kx * p->dilation_width;
            if (row >= 0 && row < p->input_height && column >= 0 && column < p->input_width) {
                const int8_t *pixel = image + (row * p->input_width + column) * p->input_channels;
                for (int32_t i = 0; i < depth; ++i) {
                    sum += weight[i] * (pixel[i] - zero_point);
                }
            }
            weight += depth;
        }
    }
    return sum;
}

/* The whole layer. `out` may be the memory of `in` where there is one image. */
EB_KERNEL void eb_conv_2d_hybrid_layer(const eb_conv_2d_hybrid *p,
                                       const float *in,
                                       float *out,
                                       const int8_t *weights,
                                       const float *scales,
                                       const float *bias,
                                       int8_t *scratch)
{
    const int32_t size = p->input_height * p->input_width * p->input_channels;
    const int32_t depth = p->input_channels / p->groups;
    const int32_t group_outputs = p->output_channels / p->groups;
    const int32_t window = p->kernel_height * p->kernel_width * depth;
    for (int32_t b = 0; b < p->batches; ++b) {
        const eb_hybrid_range range = eb_hybrid_quantize(in, size, scratch, p->is_symmetric);
        for (int32_t y = 0; y < p->output_height; ++y) {
            for (int32_t x = 0; x < p->output_width; ++x) {
                for (int32_t o = 0; o < p->output_channels; ++o) {
                    const float sum = (float)eb_conv_2d_hybrid_sum(
                        p, scratch + o / group_outputs * depth, range.zero_point,
                        y * p->stride_height - p->pad_top, x * p->stride_width - p->pad_left,
                        weights + o * window);
                    float real = p->scales_apart ? sum * scales[o] * range.scale
                                                 : sum * (scales[o] * range.scale);
                    real += bias[o];
                    real = real < p->low ? p->low : real;
                    *out++ = real > p->high ? p->high : real;
                }
            }
        }
        in += size;
    }
}

#endif /* EB_CONV_2D_HYBRID_H */
