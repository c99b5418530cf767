/* 2-D convolution, int8 with weights of 16 bits, portable C: see eb_conv_2d.h.
 *
 * For weights of 9 bits, which a network of uint8 has where its weights have a zero point.
 */
#ifndef EB_CONV_2D_S8_WIDE_H
#define EB_CONV_2D_S8_WIDE_H

/* One window times one output channel, whose group begins at input channel `channel`.
 *
 * column: of the window's first tap, may be negative; weights: -255 .. 255, at most 33,025.
 */
static inline int32_t eb_conv_2d_s8_wide_window(const eb_conv_2d *p,
                                                const void *const *rows,
                                                int32_t column,
                                                int32_t channel,
                                                const int16_t *weights)
{
    const int32_t run = p->input_channels / p->groups;
    int32_t acc = 0;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
            const int32_t x = column + kx * p->dilation_width;
            if (row != NULL && x >= 0 && x < p->input_width) {
                const int8_t *values = row + x * p->input_channels + channel;
                for (int32_t i = 0; i < run; ++i) {
                    acc += (values[i] - p->input_zero_point) * weights[i];
                }
            }
            weights += run;
        }
    }
    return acc;
}

/* One output row. bias: without the input's zero point. */
EB_KERNEL void eb_conv_2d_s8_wide_row(const eb_conv_2d *p,
                                      const void *const *rows,
                                      int8_t *out,
                                      int32_t out_pixel_stride,
                                      const int16_t *weights,
                                      const int32_t *bias,
                                      const int32_t *multiplier,
                                      const int8_t *shift)
{
    const int32_t depth = p->input_channels / p->groups;
    const int32_t group_outputs = p->output_channels / p->groups;
    const int32_t window = p->kernel_height * p->kernel_width * depth;
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        for (int32_t o = 0; o < p->output_channels; ++o) {
            const int32_t channel = o / group_outputs * depth;
            const int32_t acc =
                eb_conv_2d_s8_wide_window(p, rows, column, channel, weights + o * window);
            out[o] = eb_requantize_sum(eb_add_wrap(acc, bias[o]), multiplier[o], shift[o], output);
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_S8_WIDE_H */
