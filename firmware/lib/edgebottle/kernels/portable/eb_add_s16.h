/* ADD and SUB of int16, one row; included by eb_add.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_ADD_S16_H
#define EB_KERNELS_PORTABLE_ADD_S16_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* Operands gain 15 bits before they are brought to a common scale; all zero points are 0. */
EB_KERNEL void eb_add_s16_row(
    const eb_add_s8 *p, const int16_t *a, const int16_t *b, int16_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int16_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int16_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t scaled_a = eb_requantize(from_a[c * p->a_stride[2]] * (1 << 15),
                                                       p->a_multiplier, p->a_shift);
                const int32_t scaled_b = eb_requantize(from_b[c * p->b_stride[2]] * (1 << 15),
                                                       p->b_multiplier, p->b_shift);
                const int32_t sum = scaled_a + p->b_sign * scaled_b;
                const int32_t scaled = eb_requantize(sum, p->out_multiplier, p->out_shift);
                out[c] = (int16_t)eb_clamp(scaled, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_ADD_S16_H */
