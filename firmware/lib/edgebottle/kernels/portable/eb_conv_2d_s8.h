/* 2-D convolution, int8, portable C: see eb_conv_2d.h. */
#ifndef EB_CONV_2D_S8_H
#define EB_CONV_2D_S8_H

#include "eb_dot_s8.h"

/* eb_dot_bytes_1x2 where every value is `value`: the run lies outside of the image. */
static inline void eb_dot_constant_1x2(
    int32_t value, const int8_t *weights0, const int8_t *weights1, int32_t count, int32_t *acc)
{
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    for (int32_t i = 0; i < count; ++i) {
        sum0 += weights0[i];
        sum1 += weights1[i];
    }
    acc[0] += value * sum0;
    acc[1] += value * sum1;
}

/* One window times two output channels of its group.
 *
 * column: of the window's first tap, may be negative; channel: the group's first input channel.
 */
EB_KERNEL void eb_conv_2d_s8_window(const eb_conv_2d *p,
                                    const void *const *rows,
                                    int32_t column,
                                    int32_t channel,
                                    const int8_t *weights0,
                                    const int8_t *weights1,
                                    int32_t *acc)
{
    const int32_t depth = p->input_channels;
    const int32_t dilation = p->dilation_width;
    /* Without gaps between the taps and within the image, a row of the window is one run. */
    const int32_t last = column + (p->kernel_width - 1) * dilation;
    const int whole = dilation == 1 && p->groups == 1 && column >= 0 && last < p->input_width;
    const int32_t taps = whole ? 1 : p->kernel_width;
    const int32_t run = whole ? p->kernel_width * depth : depth / p->groups;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        for (int32_t tap = 0; tap < taps; ++tap) {
            const int32_t x = column + tap * dilation;
            if (row != NULL && x >= 0 && x < p->input_width) {
                eb_dot_bytes_1x2(row + x * depth + channel, weights0, weights1, run, acc);
            } else {
                eb_dot_constant_1x2(p->input_zero_point, weights0, weights1, run, acc);
            }
            weights0 += run;
            weights1 += run;
        }
    }
}

/* One output row. */
EB_KERNEL void eb_conv_2d_s8_row(const eb_conv_2d *p,
                                 const void *const *rows,
                                 int8_t *out,
                                 int32_t out_pixel_stride,
                                 const int8_t *weights,
                                 const int32_t *bias,
                                 const int32_t *multiplier,
                                 const int8_t *shift,
                                 void *scratch)
{
    const int32_t group_inputs = p->input_channels / p->groups;
    const int32_t group_outputs = p->output_channels / p->groups;
    const int32_t window = p->kernel_height * p->kernel_width * group_inputs;
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    (void)scratch;
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        for (int32_t group = 0; group < p->groups; ++group) {
            const int32_t end = (group + 1) * group_outputs;
            for (int32_t o = group * group_outputs; o < end; o += 2) {
                /* An odd last channel is computed twice. */
                const int32_t other = eb_min(o + 1, end - 1);
                const int8_t *weights0 = weights + o * window;
                const int8_t *weights1 = weights + other * window;
                int32_t acc[2] = {0, 0};
                eb_conv_2d_s8_window(p, rows, column, group * group_inputs, weights0, weights1,
                                     acc);
                for (int32_t k = 0; k <= other - o; ++k) {
                    out[o + k] = eb_requantize_sum(eb_add_wrap(acc[k], bias[o + k]),
                                                   multiplier[o + k], shift[o + k], output);
                }
            }
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_S8_H */
