/* MUL of float32, one row; included by eb_mul.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_MUL_F32_H
#define EB_KERNELS_PORTABLE_MUL_F32_H

#include <stdint.h>

#include "../../include/eb_math_f32.h"

static inline void eb_mul_f32_row(
    const eb_mul_f32 *p, const float *a, const float *b, float *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const float *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const float *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const float product = from_a[c * p->a_stride[2]] * from_b[c * p->b_stride[2]];
                out[c] = eb_clamp_f32(product, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_MUL_F32_H */
