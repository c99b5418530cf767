/* ADD and SUB of int8, one row; included by eb_add.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_ADD_S8_H
#define EB_KERNELS_PORTABLE_ADD_S8_H

#include <stdint.h>

#include "eb_scale_down.h"

EB_SPECIALISED void eb_add_s8_row(
    const eb_add_s8 *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            EB_KEEP_LOOP
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t wide_a = (from_a[c * p->a_stride[2]] - p->a_zero_point) * (1 << 20);
                const int32_t wide_b = (from_b[c * p->b_stride[2]] - p->b_zero_point) * (1 << 20);
                const int32_t scaled_a = eb_scale_down(wide_a, p->a_multiplier, -p->a_shift);
                const int32_t scaled_b = eb_scale_down(wide_b, p->b_multiplier, -p->b_shift);
                const int32_t sum = scaled_a + p->b_sign * scaled_b;
                const int32_t scaled = eb_scale_down(sum, p->out_multiplier, -p->out_shift);
                const int32_t zero_point = p->out_zero_point;
                /* Clamped before the zero point is added, so that nothing overflows. */
                out[c] = (int8_t)(eb_clamp(scaled, p->low - zero_point, p->high - zero_point) +
                                  zero_point);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_ADD_S8_H */
