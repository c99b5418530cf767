/* Depthwise 2-D convolution, int8, one channel after the other: see eb_depthwise_conv_2d.h.
 *
 * The rows under an output row become a strip of words, column by column, so that a window is a run
 * of words. For depth_multiplier 1 and no dilation along the width.
 */
#ifndef EB_DEPTHWISE_STRIP_S8_H
#define EB_DEPTHWISE_STRIP_S8_H

#include "eb_scale_s8.h"

#define EB_STRIP_TAPS 9 /* of a block of weights; edgebottle/ops/depthwise_conv_2d.py knows it */

/* Fills one row's places of a strip with values `step` bytes apart, which may be 0. */
static inline void
eb_strip_fill(const int8_t *from, int32_t step, int32_t *to, int32_t height, int32_t count)
{
#pragma GCC unroll 1
    for (; count > 0; --count) {
        *to = *from;
        from += step;
        to += height;
    }
}

/* Adds to the sums of `count` windows, `step` words apart, their products with a block of weights.
 */
EB_KERNEL void eb_strip_sums(
    const int32_t *strip, int32_t step, const int8_t *weights, int32_t *sums, int32_t count)
{
    const int32_t w0 = weights[0], w1 = weights[1], w2 = weights[2];
    const int32_t w3 = weights[3], w4 = weights[4], w5 = weights[5];
    const int32_t w6 = weights[6], w7 = weights[7], w8 = weights[8];
#pragma GCC unroll 1
    for (; count > 0; --count) {
        int32_t sum = *sums;
        sum += strip[0] * w0;
        sum += strip[1] * w1;
        sum += strip[2] * w2;
        sum += strip[3] * w3;
        sum += strip[4] * w4;
        sum += strip[5] * w5;
        sum += strip[6] * w6;
        sum += strip[7] * w7;
        sum += strip[8] * w8;
        *sums++ = sum;
        strip += step;
    }
}

/* One output row, of 8, 4, 2 or 1 bits.
 *
 * weights: for each channel its taps, column by column, and zeros up to whole blocks; scales: see
 * eb_scale_s8.h; scratch: a word for each row and column under the output row, for each output
 * pixel, and 8 more.
 */
EB_INLINED void eb_depthwise_strip_row_of(const eb_depthwise_conv_2d *p,
                                          const void *const *rows,
                                          int8_t *out,
                                          int32_t out_pixel_stride,
                                          int32_t bits,
                                          const int8_t *weights,
                                          const int32_t *scales,
                                          int has_pivot,
                                          void *scratch)
{
    const int8_t outside = (int8_t)p->input_zero_point;
    const int32_t height = p->kernel_height;
    const int32_t taps = height * p->kernel_width;
    const int32_t columns = (p->output_width - 1) * p->stride_width + p->kernel_width;
    const int32_t before = eb_min(p->pad_left, columns);
    const int32_t inside = eb_min(p->input_width, columns - before);
    int32_t *sums = (int32_t *)scratch;
    int32_t *strip = sums + p->output_width;
    /* Some taps beyond the last window are multiplied, with zeros. */
    eb_strip_fill(&outside, 0, strip, 1, columns * height + EB_STRIP_TAPS - 1);
    for (int32_t c = 0; c < p->input_channels; ++c) {
        for (int32_t ky = 0; ky < height; ++ky) {
            if (rows[ky] != NULL) {
                eb_strip_fill((const int8_t *)rows[ky] + c, p->input_channels,
                              strip + before * height + ky, height, inside);
            }
        }
        memset(sums, 0, (size_t)p->output_width * sizeof *sums);
        for (int32_t tap = 0; tap < taps; tap += EB_STRIP_TAPS) {
            eb_strip_sums(strip + tap, p->stride_width * height, weights, sums, p->output_width);
            weights += EB_STRIP_TAPS;
        }
        if (bits == 8) {
            eb_scale_s8(scales, has_pivot, sums, p->output_width, out + c, out_pixel_stride);
        } else {
            eb_scale_bits(scales, has_pivot, sums, p->output_width,
                          (uint8_t *)out + (c * bits >> 3), out_pixel_stride, c * bits & 7);
        }
        scales += EB_SCALE_WORDS(has_pivot);
    }
}

EB_KERNEL void eb_depthwise_strip_s8_row(const eb_depthwise_conv_2d *p,
                                         const void *const *rows,
                                         int8_t *out,
                                         int32_t out_pixel_stride,
                                         const int8_t *weights,
                                         const int32_t *scales,
                                         int has_pivot,
                                         void *scratch)
{
    eb_depthwise_strip_row_of(p, rows, out, out_pixel_stride, 8, weights, scales, has_pivot,
                              scratch);
}

EB_KERNEL void eb_depthwise_strip_bits_row(const eb_depthwise_conv_2d *p,
                                           const void *const *rows,
                                           uint8_t *out,
                                           int32_t out_pixel_stride,
                                           int32_t bits,
                                           const int8_t *weights,
                                           const int32_t *scales,
                                           int has_pivot,
                                           void *scratch)
{
    eb_depthwise_strip_row_of(p, rows, (int8_t *)out, out_pixel_stride, bits, weights, scales,
                              has_pivot, scratch);
}

#endif /* EB_DEPTHWISE_STRIP_S8_H */
