/* 2-D convolution, int16 with weights of int8, portable C: see eb_conv_2d.h. */
#ifndef EB_CONV_2D_S16_H
#define EB_CONV_2D_S16_H

#include "../../include/eb_requant_wide.h"

/* One window times one output channel, whose group begins at input channel `channel`.
 *
 * column: of the window's first tap, may be negative.
 */
static inline int64_t eb_conv_2d_s16_window(const eb_conv_2d *p,
                                            const void *const *rows,
                                            int32_t column,
                                            int32_t channel,
                                            const int8_t *weights)
{
    const int32_t run = p->input_channels / p->groups;
    int64_t acc = 0;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int16_t *row = (const int16_t *)rows[ky];
        for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
            const int32_t x = column + kx * p->dilation_width;
            if (row != NULL && x >= 0 && x < p->input_width) {
                const int16_t *values = row + x * p->input_channels + channel;
                for (int32_t i = 0; i < run; ++i) {
                    acc += values[i] * weights[i];
                }
            }
            weights += run;
        }
    }
    return acc;
}

/* One output row; zero points are 0.
 *
 * is_narrow: sums fit int32, and the multipliers are those of eb_requantize, else of
 * eb_requantize_wide.
 */
EB_KERNEL void eb_conv_2d_s16_row(const eb_conv_2d *p,
                                  const void *const *rows,
                                  int16_t *out,
                                  int32_t out_pixel_stride,
                                  const int8_t *weights,
                                  const int64_t *bias,
                                  const int32_t *multiplier,
                                  const int8_t *shift,
                                  int is_narrow)
{
    const int32_t depth = p->input_channels / p->groups;
    const int32_t group_outputs = p->output_channels / p->groups;
    const int32_t window = p->kernel_height * p->kernel_width * depth;
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        for (int32_t o = 0; o < p->output_channels; ++o) {
            const int32_t channel = o / group_outputs * depth;
            const int64_t acc =
                bias[o] + eb_conv_2d_s16_window(p, rows, column, channel, weights + o * window);
            const int32_t scaled = is_narrow ? eb_requantize((int32_t)acc, multiplier[o], shift[o])
                                             : eb_requantize_wide(acc, multiplier[o], shift[o]);
            out[o] = (int16_t)eb_clamp(scaled, p->low, p->high);
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_S16_H */
