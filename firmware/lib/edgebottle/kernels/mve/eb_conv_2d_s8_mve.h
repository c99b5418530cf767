/* 2-D convolution, int8, with vectors of sixteen: see eb_conv_2d.h and eb_mve.h. No groups.
 *
 * The window of a pixel stands as bytes, one value after the other; each vector of values is
 * multiplied with those of four output channels.
 */
#ifndef EB_CONV_2D_S8_MVE_H
#define EB_CONV_2D_S8_MVE_H

#include "../../include/eb_mve.h"

/* Copies `count` bytes, or writes as many zero points where `from` is NULL; returns their end. */
static inline int8_t *
eb_mve_copy(const int8_t *from, int8_t *to, int32_t count, int32_t input_zero_point)
{
    const eb_s8x16 outside = eb_fill_s8x16(input_zero_point);
    for (int32_t i = 0; i < count; i += 16) {
        const eb_s8x16 value = from == NULL ? outside : eb_load_s8x16(from + i, count - i);
        eb_store_s8x16(to + i, value, count - i);
    }
    return to + count;
}

/* Copies a window's values; outside of the image are zero points. */
EB_KERNEL void
eb_mve_collect(const eb_conv_2d *p, const void *const *rows, int32_t column, int8_t *to)
{
    const int32_t depth = p->input_channels;
    const int32_t last = column + (p->kernel_width - 1) * p->dilation_width;
    const int is_whole = p->dilation_width == 1 && column >= 0 && last < p->input_width;
    /* Taps that lie side by side are one run. */
    const int32_t taps = is_whole ? p->kernel_width : 1;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        for (int32_t kx = 0; kx < p->kernel_width; kx += taps) {
            const int32_t x = column + kx * p->dilation_width;
            const int is_inside = row != NULL && x >= 0 && x < p->input_width;
            to = eb_mve_copy(is_inside ? row + x * depth : NULL, to, taps * depth,
                             p->input_zero_point);
        }
    }
}

/* What the pixels of a row have in common. */
typedef struct {
    eb_output_s8 output;
    int32_t channels; /* of the output */
    int32_t count;    /* values of a window */
    const int8_t *weights;
    const int32_t *scales;
} eb_mve_row;

/* All channels of a pixel. */
EB_KERNEL void eb_mve_pixel(const eb_mve_row *row, const int8_t *window, int8_t *out)
{
    const eb_output_s8 output = row->output;
    const int32_t count = row->count;
    const int8_t *weights = row->weights;
    const int32_t *scales = row->scales;
    for (int32_t channels = row->channels; channels > 0; channels -= 4) {
        const int8_t *values = window;
        int32_t left = count;
        int32_t sum0 = 0;
        int32_t sum1 = 0;
        int32_t sum2 = 0;
        int32_t sum3 = 0;
        for (; left >= 16; left -= 16) {
            const eb_s8x16 value = eb_load_all_s8x16(values);
            sum0 = eb_dot_s8x16(sum0, value, eb_load_all_s8x16(weights));
            sum1 = eb_dot_s8x16(sum1, value, eb_load_all_s8x16(weights + 16));
            sum2 = eb_dot_s8x16(sum2, value, eb_load_all_s8x16(weights + 32));
            sum3 = eb_dot_s8x16(sum3, value, eb_load_all_s8x16(weights + 48));
            values += 16;
            weights += 64;
        }
        if (left > 0) {
            /* What is read behind a channel's last weights is multiplied with zero. */
            const eb_s8x16 value = eb_load_s8x16(values, left);
            sum0 = eb_dot_s8x16(sum0, value, eb_load_all_s8x16(weights));
            sum1 = eb_dot_s8x16(sum1, value, eb_load_all_s8x16(weights + left));
            sum2 = eb_dot_s8x16(sum2, value, eb_load_all_s8x16(weights + 2 * left));
            sum3 = eb_dot_s8x16(sum3, value, eb_load_all_s8x16(weights + 3 * left));
            weights += 4 * left;
        }
        eb_store_s32x4(out, eb_scale_s32x4(eb_join_s32x4(sum0, sum1, sum2, sum3), scales, output),
                       channels);
        scales += EB_MVE_SCALES;
        out += 4;
    }
}

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/mve_packing.py; scratch: a window, unless that is one
 * pixel without padding.
 */
EB_KERNEL void eb_conv_2d_s8_mve_row(const eb_conv_2d *p,
                                     const void *const *rows,
                                     int8_t *out,
                                     int32_t out_pixel_stride,
                                     const int8_t *weights,
                                     const int32_t *scales,
                                     void *scratch)
{
    const int32_t depth = p->input_channels;
    const eb_mve_row row = {
        .output = {p->output_zero_point, p->low, p->high},
        .channels = p->output_channels,
        .count = p->kernel_height * p->kernel_width * depth,
        .weights = weights,
        .scales = scales,
    };
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        const int8_t *window = (const int8_t *)scratch;
        if (scratch == NULL) {
            window = (const int8_t *)rows[0] + column * depth;
        } else {
            eb_mve_collect(p, rows, column, (int8_t *)scratch);
        }
        eb_mve_pixel(&row, window, out);
        out += out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_S8_MVE_H */
