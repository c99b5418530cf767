/* 2-D convolution, int8, three output pixels at a time: see eb_conv_2d.h, eb_triple_s8.h. No
 * groups.
 */
#ifndef EB_CONV_2D_S8_TRIPLE_H
#define EB_CONV_2D_S8_TRIPLE_H

#include "eb_triple_s8.h"

/* Packs the windows of three pixels, whose first taps are in the columns `at`.
 *
 * outside: a pixel of zero points.
 */
EB_KERNEL void eb_conv_2d_s8_triple_gather(const eb_conv_2d *p,
                                           const void *const *rows,
                                           const int32_t *at,
                                           uint32_t *to,
                                           const int8_t *outside)
{
    const int32_t depth = p->input_channels;
    const int32_t width = p->input_width;
    const int is_whole = p->dilation_width == 1 && at[0] >= 0 && at[2] + p->kernel_width <= width;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        if (is_whole && row != NULL) {
            to = eb_triple_pack(row + at[0] * depth, row + at[1] * depth, row + at[2] * depth, to,
                                p->kernel_width * depth);
            continue;
        }
        for (int32_t tap = 0; tap < p->kernel_width; ++tap) {
            const int8_t *from[3];
            for (int32_t k = 0; k < 3; ++k) {
                const int32_t x = at[k] + tap * p->dilation_width;
                from[k] = row != NULL && x >= 0 && x < width ? row + x * depth : outside;
            }
            to = eb_triple_pack(from[0], from[1], from[2], to, depth);
        }
    }
}

/* One output row, of 8, 4, 2 or 1 bits; or, if it is rounded twice, of 8.
 *
 * weights: as for eb_conv_2d_s8_row, and rows of zeros up to fours of channels; scales, has_pivot,
 * segment: see eb_triple; scratch: 8 bytes for each tap of a window and input channel, and 1 for
 * each input channel.
 */
EB_INLINED void eb_conv_2d_s8_triple_row_of(const eb_conv_2d *p,
                                            const void *const *rows,
                                            int8_t *out,
                                            int32_t out_pixel_stride,
                                            int32_t bits,
                                            int is_twice,
                                            const int8_t *weights,
                                            const int32_t *scales,
                                            int has_pivot,
                                            int32_t segment,
                                            void *scratch)
{
    const int32_t depth = p->input_channels;
    const int32_t taps = p->kernel_height * p->kernel_width * depth;
    uint32_t *values = (uint32_t *)scratch;
    int8_t *outside = (int8_t *)(values + 2 * taps);
    eb_triple t = {values,           taps, segment, weights, scales, has_pivot, p->output_channels,
                   out_pixel_stride, 3};
    memset(outside, p->input_zero_point, (size_t)depth);
    for (int32_t x = 0; x < p->output_width; x += 3) {
        int32_t at[3];
        t.pixels = eb_min(3, p->output_width - x);
        for (int32_t k = 0; k < 3; ++k) {
            /* Pixels beyond the last are computed as that one, and not written. */
            at[k] = (x + eb_min(k, t.pixels - 1)) * p->stride_width - p->pad_left;
        }
        eb_conv_2d_s8_triple_gather(p, rows, at, values, outside);
        if (is_twice) {
            const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
            eb_triple_outputs_twice(&t, &output, out);
        } else if (bits == 8) {
            eb_triple_outputs(&t, out);
        } else {
            eb_triple_bits_outputs(&t, (uint8_t *)out, bits);
        }
        out += 3 * out_pixel_stride;
    }
}

EB_KERNEL void eb_conv_2d_s8_triple_row(const eb_conv_2d *p,
                                        const void *const *rows,
                                        int8_t *out,
                                        int32_t out_pixel_stride,
                                        const int8_t *weights,
                                        const int32_t *scales,
                                        int has_pivot,
                                        int32_t segment,
                                        void *scratch)
{
    eb_conv_2d_s8_triple_row_of(p, rows, out, out_pixel_stride, 8, 0, weights, scales, has_pivot,
                                segment, scratch);
}

/* The same with the records of eb_scale_twice. */
EB_KERNEL void eb_conv_2d_s8_triple_twice_row(const eb_conv_2d *p,
                                              const void *const *rows,
                                              int8_t *out,
                                              int32_t out_pixel_stride,
                                              const int8_t *weights,
                                              const int32_t *scales,
                                              int32_t segment,
                                              void *scratch)
{
    eb_conv_2d_s8_triple_row_of(p, rows, out, out_pixel_stride, 8, 1, weights, scales, 0, segment,
                                scratch);
}

EB_KERNEL void eb_conv_2d_s8_triple_bits_row(const eb_conv_2d *p,
                                             const void *const *rows,
                                             uint8_t *out,
                                             int32_t out_pixel_stride,
                                             int32_t bits,
                                             const int8_t *weights,
                                             const int32_t *scales,
                                             int has_pivot,
                                             int32_t segment,
                                             void *scratch)
{
    eb_conv_2d_s8_triple_row_of(p, rows, (int8_t *)out, out_pixel_stride, bits, 0, weights, scales,
                                has_pivot, segment, scratch);
}

#endif /* EB_CONV_2D_S8_TRIPLE_H */
