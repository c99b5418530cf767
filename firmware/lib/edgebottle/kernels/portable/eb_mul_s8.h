/* MUL of int8, one row; included by eb_mul.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_MUL_S8_H
#define EB_KERNELS_PORTABLE_MUL_S8_H

#include <stdint.h>

#include "eb_scale_down.h"

EB_SPECIALISED void eb_mul_s8_row(
    const eb_mul_s8 *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            EB_KEEP_LOOP
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t product = (from_a[c * p->a_stride[2]] - p->a_zero_point) *
                                        (from_b[c * p->b_stride[2]] - p->b_zero_point);
                const int32_t left = eb_max(p->shift, 0);
                const int32_t right = eb_max(-p->shift, 0);
                const int32_t scaled =
                    eb_scale_down(product * (1 << left), p->multiplier, right, 0);
                const int32_t zero_point = p->out_zero_point;
                /* Clamped before the zero point is added, so that nothing overflows. */
                out[c] = (int8_t)(eb_clamp(scaled, p->low - zero_point, p->high - zero_point) +
                                  zero_point);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_MUL_S8_H */
