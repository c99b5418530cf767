/* ADD and SUB of int32, one row; included by eb_add.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_ADD_S32_H
#define EB_KERNELS_PORTABLE_ADD_S32_H

#include <stdint.h>

#include "../../include/eb_requant.h"

static inline void eb_add_s32_row(
    const eb_add_s32 *p, const int32_t *a, const int32_t *b, int32_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int32_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int32_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const uint32_t term = (uint32_t)from_b[c * p->b_stride[2]] * (uint32_t)p->b_sign;
                const uint32_t sum = (uint32_t)from_a[c * p->a_stride[2]] + term;
                out[c] = eb_clamp((int32_t)sum, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_ADD_S32_H */
