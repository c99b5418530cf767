/* ADD and SUB of int8, one row; included by eb_add.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_ADD_S8_H
#define EB_KERNELS_PORTABLE_ADD_S8_H

#include <stdint.h>

#include "../../include/eb_requant.h"

static inline void eb_add_s8_row(
    const eb_add_s8 *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t wide_a = (from_a[c * p->a_stride[2]] - p->a_zero_point) * (1 << 20);
                const int32_t wide_b = (from_b[c * p->b_stride[2]] - p->b_zero_point) * (1 << 20);
                const int32_t scaled_a = eb_requantize(wide_a, p->a_multiplier, p->a_shift);
                const int32_t scaled_b = eb_requantize(wide_b, p->b_multiplier, p->b_shift);
                out[c] = eb_requantize_s8(scaled_a + p->b_sign * scaled_b, p->out_multiplier,
                                          p->out_shift, p->out_zero_point, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_ADD_S8_H */
