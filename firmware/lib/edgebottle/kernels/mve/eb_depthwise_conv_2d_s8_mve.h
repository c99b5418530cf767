/* Depthwise 2-D convolution, int8, eight channels at a time: see eb_depthwise_conv_2d.h and
 * eb_mve.h. The depth multiplier is 1, and there are eight channels or more: the last eight may
 * have some in common with those before.
 */
#ifndef EB_DEPTHWISE_CONV_2D_S8_MVE_H
#define EB_DEPTHWISE_CONV_2D_S8_MVE_H

#include "../../include/eb_mve.h"

/* The most taps of a window; as in edgebottle/ops/mve_packing.py. */
#define EB_MVE_TAPS 49

/* Points to the pixels of a window; `outside` is a pixel of zero points. */
static inline void eb_mve_point(const eb_depthwise_conv_2d *p,
                                const void *const *rows,
                                int32_t column,
                                const int8_t *outside,
                                const int8_t **pixels)
{
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        int32_t x = column;
        for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
            const int is_inside = row != NULL && x >= 0 && x < p->input_width;
            *pixels++ = is_inside ? row + x * p->input_channels : outside;
            x += p->dilation_width;
        }
    }
}

/* All channels of a pixel. */
static inline void eb_mve_depthwise_pixel(const eb_depthwise_conv_2d *p,
                                          const int8_t *const *pixels,
                                          const int8_t *weights,
                                          const int32_t *scales,
                                          int8_t *out)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const int32_t channels = p->input_channels;
    const int32_t taps = p->kernel_height * p->kernel_width;
    for (int32_t begin = 0; begin < channels; begin += 8) {
        const int32_t channel = eb_min(begin, channels - 8);
        const int8_t *from = weights + channel;
        eb_s32x4 even = eb_fill_s32x4(0);
        eb_s32x4 odd = eb_fill_s32x4(0);
        for (int32_t tap = 0; tap < taps; ++tap) {
            const eb_s16x8 value = eb_load_s16x8(pixels[tap] + channel);
            const eb_s16x8 weight = eb_load_s16x8(from);
            even = eb_add_s32x4(even, eb_multiply_even(value, weight));
            odd = eb_add_s32x4(odd, eb_multiply_odd(value, weight));
            from += channels;
        }
        even = eb_scale_s32x4(even, scales, output);
        odd = eb_scale_s32x4(odd, scales + EB_MVE_SCALES, output);
        eb_store_s16x8(out + channel, eb_interleave(even, odd));
        scales += 2 * EB_MVE_SCALES;
    }
}

/* One output row.
 *
 * weights: as for eb_depthwise_conv_2d_s8_row; scales: packed by edgebottle/ops/mve_packing.py;
 * scratch: p->input_channels bytes.
 */
EB_KERNEL void eb_depthwise_conv_2d_s8_mve_row(const eb_depthwise_conv_2d *p,
                                               const void *const *rows,
                                               int8_t *out,
                                               int32_t out_pixel_stride,
                                               const int8_t *weights,
                                               const int32_t *scales,
                                               void *scratch)
{
    const int8_t *pixels[EB_MVE_TAPS];
    memset(scratch, p->input_zero_point & 0xff, (size_t)p->input_channels);
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        eb_mve_point(p, rows, column, (const int8_t *)scratch, pixels);
        eb_mve_depthwise_pixel(p, pixels, weights, scales, out);
        out += out_pixel_stride;
    }
}

#endif /* EB_DEPTHWISE_CONV_2D_S8_MVE_H */
