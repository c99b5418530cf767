/* 2-D convolution, int8, with the DSP instructions: see eb_conv_2d.h.
 *
 * The windows of two output pixels are gathered as int16; two output channels at a time are then
 * multiplied with both, 16 products per step of four values. Both operands of a product are
 * widened by SXTB16, so four values a b c d stand as a c b d in the gathered window; the up to
 * three values after the last whole four stand in their own order.
 */
#ifndef EB_CONV_2D_S8_H
#define EB_CONV_2D_S8_H

#include "eb_dot_s8.h"

/* Copies a window's values as bytes, in the order of the weights; outside of the image is zero. */
static inline void eb_conv_2d_s8_collect(
    const eb_conv_2d *p, const void *const *rows, int32_t column, int32_t channel, int8_t *to)
{
    const int32_t depth = p->input_channels;
    const int32_t dilation = p->dilation_width;
    const int32_t last = column + (p->kernel_width - 1) * dilation;
    const int whole = dilation == 1 && p->groups == 1 && column >= 0 && last < p->input_width;
    const int32_t taps = whole ? 1 : p->kernel_width;
    const int32_t run = whole ? p->kernel_width * depth : depth / p->groups;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        for (int32_t tap = 0; tap < taps; ++tap) {
            const int32_t x = column + tap * dilation;
            if (row != NULL && x >= 0 && x < p->input_width) {
                const int8_t *from = row + x * depth + channel;
                int32_t i = 0;
                for (; i + 4 <= run; i += 4) {
                    eb_store_word(to + i, eb_load_word(from + i));
                }
                for (; i < run; ++i) {
                    to[i] = from[i];
                }
            } else {
                for (int32_t i = 0; i < run; ++i) {
                    to[i] = (int8_t)p->input_zero_point;
                }
            }
            to += run;
        }
    }
}

/* Gathers a window of `count` values as int16. */
EB_KERNEL void eb_conv_2d_s8_gather(const eb_conv_2d *p,
                                    const void *const *rows,
                                    int32_t column,
                                    int32_t channel,
                                    int16_t *to,
                                    int32_t count)
{
    if (p->kernel_width == 1 && p->kernel_height == 1 && p->pad_left == 0 && rows[0] != NULL &&
        column < p->input_width) {
        eb_widen((const int8_t *)rows[0] + column * p->input_channels + channel, to, count);
        return;
    }
    /* Collected as bytes into the upper half of the space that they fill once they are widened. */
    int8_t *bytes = (int8_t *)to + count;
    eb_conv_2d_s8_collect(p, rows, column, channel, bytes);
    eb_widen(bytes, to, count);
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
    int16_t *values = (int16_t *)scratch;
    int16_t *values1 = values + ((window + 1) & ~1);
    for (int32_t x = 0; x < p->output_width; x += 2) {
        const int32_t pixels = eb_min(2, p->output_width - x);
        const int32_t column = x * p->stride_width - p->pad_left;
        for (int32_t group = 0; group < p->groups; ++group) {
            const int32_t channel = group * group_inputs;
            const int32_t end = (group + 1) * group_outputs;
            eb_conv_2d_s8_gather(p, rows, column, channel, values, window);
            if (pixels == 2) {
                eb_conv_2d_s8_gather(p, rows, column + p->stride_width, channel, values1, window);
            }
            for (int32_t o = group * group_outputs; o < end; o += 2) {
                /* An odd last channel is computed twice. */
                const int32_t other = eb_min(o + 1, end - 1);
                const int8_t *weights0 = weights + o * window;
                const int8_t *weights1 = weights + other * window;
                int32_t acc[4] = {0, 0, 0, 0};
                if (pixels == 2) {
                    eb_dot_2x2(values, values1, weights0, weights1, window, acc);
                } else {
                    eb_dot_1x2(values, weights0, weights1, window, acc);
                }
                for (int32_t k = 0; k <= other - o; ++k) {
                    int8_t *to = out + o + k;
                    const int32_t scale = multiplier[o + k];
                    const int32_t places = shift[o + k];
                    *to =
                        eb_requantize_sum(eb_add_wrap(acc[k], bias[o + k]), scale, places, output);
                    if (pixels == 2) {
                        to[out_pixel_stride] = eb_requantize_sum(
                            eb_add_wrap(acc[2 + k], bias[o + k]), scale, places, output);
                    }
                }
            }
        }
        out += 2 * out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_S8_H */
