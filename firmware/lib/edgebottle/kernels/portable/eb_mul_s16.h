/* MUL of int16, one row; included by eb_mul.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_MUL_S16_H
#define EB_KERNELS_PORTABLE_MUL_S16_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* All zero points are 0, and the shift is not to the left. */
EB_KERNEL void eb_mul_s16_row(
    const eb_mul_s8 *p, const int16_t *a, const int16_t *b, int16_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int16_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int16_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t product = from_a[c * p->a_stride[2]] * from_b[c * p->b_stride[2]];
                const int32_t scaled = eb_requantize(product, p->multiplier, p->shift);
                out[c] = (int16_t)eb_clamp(scaled, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_MUL_S16_H */
