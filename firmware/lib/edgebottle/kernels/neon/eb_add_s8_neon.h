/* ADD and SUB of int8 with NEON, one row: see eb_add.h. Neither operand is broadcast along the
 * channels.
 */
#ifndef EB_ADD_S8_NEON_H
#define EB_ADD_S8_NEON_H

#include "../../include/eb_neon.h"

#define EB_ADD_NEON_LANES 8

/* What eb_neon_scale takes: no bias, and a multiplier and a shift for all four. */
static inline void eb_add_neon_scales(int32_t multiplier, int32_t shift, int32_t *scales)
{
    for (int32_t i = 0; i < 4; ++i) {
        scales[i] = 0;
        scales[4 + i] = multiplier;
        scales[8 + i] = shift;
    }
}

/* Eight sums. a, b: the operands; `_scales`: see above. */
static inline void eb_add_neon_eight(const eb_add_s8 *p,
                                     const int8_t *a,
                                     const int8_t *b,
                                     int8_t *out,
                                     const int32_t *a_scales,
                                     const int32_t *b_scales,
                                     const int32_t *out_scales)
{
    const eb_output_s8 output = {p->out_zero_point, p->low, p->high};
    eb_neon_sums wide_a[2];
    eb_neon_sums wide_b[2];
    eb_neon_sums sums[2];
    eb_neon_widen_20(a, p->a_zero_point, wide_a);
    eb_neon_widen_20(b, p->b_zero_point, wide_b);
    for (int32_t i = 0; i < 2; ++i) {
        const eb_neon_sums scaled_a = eb_neon_scale(wide_a[i], a_scales);
        const eb_neon_sums scaled_b = eb_neon_scale(wide_b[i], b_scales);
        const eb_neon_sums sum =
            p->b_sign > 0 ? eb_neon_plus(scaled_a, scaled_b) : eb_neon_minus(scaled_a, scaled_b);
        sums[i] = eb_neon_scale(sum, out_scales);
    }
    eb_neon_store_8(out, sums[0], sums[1], output);
}

EB_KERNEL void eb_add_s8_neon_row(const eb_add_s8 *params,
                                  const int8_t *a,
                                  const int8_t *b,
                                  int8_t *out,
                                  int32_t out_pixel_stride)
{
    const eb_add_s8 own = *params; /* which no output can be part of */
    const eb_add_s8 *p = &own;
    const int32_t channels = p->extent[2];
    const int32_t eights = channels - channels % EB_ADD_NEON_LANES;
    int32_t scales[3][EB_NEON_SCALES];
    eb_add_neon_scales(p->a_multiplier, p->a_shift, scales[0]);
    eb_add_neon_scales(p->b_multiplier, p->b_shift, scales[1]);
    eb_add_neon_scales(p->out_multiplier, p->out_shift, scales[2]);
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            int32_t c = 0;
            for (; c < eights; c += EB_ADD_NEON_LANES) {
                eb_add_neon_eight(p, from_a + c, from_b + c, out + c, scales[0], scales[1],
                                  scales[2]);
            }
            for (; c < channels; ++c) {
                out[c] = eb_add_s8_element(p, from_a[c], from_b[c]);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_ADD_S8_NEON_H */
