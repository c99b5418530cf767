/* Transpose of a 2-D convolution, int16 with weights of int8, portable C: see eb_transpose_conv.h.
 */
#ifndef EB_TRANSPOSE_CONV_S16_H
#define EB_TRANSPOSE_CONV_S16_H

#include "../../include/eb_requant_wide.h"

/* What one input row adds to one output element.
 *
 * column: the last input pixel whose window reaches the output pixel; phase: the tap of that
 * window; weights: those of the output channel and of the row's taps.
 */
static inline int64_t eb_transpose_conv_s16_taps(const eb_transpose_conv *p,
                                                 const int16_t *row,
                                                 int32_t column,
                                                 int32_t phase,
                                                 const int8_t *weights)
{
    int64_t sum = 0;
    for (int32_t kx = phase; kx < p->kernel_width; kx += p->stride_width) {
        if (column >= 0 && column < p->input_width) {
            const int16_t *pixel = row + column * p->input_channels;
            const int8_t *weight = weights + kx * p->input_channels;
            for (int32_t i = 0; i < p->input_channels; ++i) {
                sum += pixel[i] * weight[i];
            }
        }
        --column;
    }
    return sum;
}

/* One output row; zero points are 0. multiplier, shift: see eb_requantize_wide. */
EB_KERNEL void eb_transpose_conv_s16_row(const eb_transpose_conv *p,
                                         const void *const *rows,
                                         int32_t y,
                                         int16_t *out,
                                         int32_t out_pixel_stride,
                                         const int8_t *weights,
                                         const int64_t *bias,
                                         const int32_t *multiplier,
                                         const int8_t *shift)
{
    const int32_t row_weights = p->kernel_width * p->input_channels;
    const int32_t first = (y + p->pad_top) % p->stride_height;
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = (x + p->pad_left) / p->stride_width;
        const int32_t phase = (x + p->pad_left) % p->stride_width;
        for (int32_t o = 0; o < p->output_channels; ++o) {
            int64_t acc = bias[o];
            const void *const *row = rows;
            for (int32_t ky = first; ky < p->kernel_height; ky += p->stride_height) {
                if (*row != NULL) {
                    const int8_t *taps = weights + (o * p->kernel_height + ky) * row_weights;
                    acc +=
                        eb_transpose_conv_s16_taps(p, (const int16_t *)*row, column, phase, taps);
                }
                ++row;
            }
            const int32_t scaled = eb_requantize_wide(acc, multiplier[o], shift[o]);
            out[o] = (int16_t)eb_clamp(scaled, p->low, p->high);
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_TRANSPOSE_CONV_S16_H */
