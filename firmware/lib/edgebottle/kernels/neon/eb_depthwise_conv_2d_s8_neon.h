/* Depthwise 2-D convolution, int8, eight channels at a time with NEON: see eb_depthwise_conv_2d.h
 * and eb_neon.h. The depth multiplier is 1, the channels are a multiple of eight, and no weight is
 * -128.
 */
#ifndef EB_DEPTHWISE_CONV_2D_S8_NEON_H
#define EB_DEPTHWISE_CONV_2D_S8_NEON_H

#include <string.h>

#include "../../include/eb_neon.h"

/* The most taps of a window; as in edgebottle/ops/neon_kernels.py. */
#define EB_NEON_TAPS 49

/* Points to the pixels of a window; `outside` is a pixel of zero points. */
static inline void eb_neon_point(const eb_depthwise_conv_2d *p,
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

/* One output row.
 *
 * weights: for eight channels at a time those of each tap; scales: packed by
 * edgebottle/ops/mve_packing.py; scratch: p->input_channels bytes.
 */
EB_KERNEL void eb_depthwise_conv_2d_s8_neon_row(const eb_depthwise_conv_2d *p,
                                                const void *const *rows,
                                                int8_t *out,
                                                int32_t out_pixel_stride,
                                                const int8_t *weights,
                                                const int32_t *scales,
                                                void *scratch)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const int32_t taps = p->kernel_height * p->kernel_width;
    const int8_t *pixels[EB_NEON_TAPS];
    memset(scratch, p->input_zero_point & 0xff, (size_t)p->input_channels);
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int8_t *weight = weights;
        const int32_t *scale = scales;
        eb_neon_point(p, rows, x * p->stride_width - p->pad_left, (const int8_t *)scratch, pixels);
        for (int32_t c = 0; c < p->input_channels; c += 8) {
            eb_neon_sums sums[2] = {eb_neon_zero(), eb_neon_zero()};
            int32_t tap = 0;
            for (; tap + 1 < taps; tap += 2) {
                eb_neon_multiply_two(sums, pixels[tap] + c, weight, pixels[tap + 1] + c,
                                     weight + 8);
                weight += 16;
            }
            if (tap < taps) {
                eb_neon_multiply(sums, pixels[tap] + c, weight);
                weight += 8;
            }
            eb_neon_store(out + c, eb_neon_requantize(sums[0], scale, output), 4);
            eb_neon_store(out + c + 4, eb_neon_requantize(sums[1], scale + EB_NEON_SCALES, output),
                          4);
            scale += 2 * EB_NEON_SCALES;
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_DEPTHWISE_CONV_2D_S8_NEON_H */
