/* ADD and SUB of int8 with NEON, one row: see eb_add.h. Neither operand is broadcast along the
 * channels.
 */
#ifndef EB_ADD_S8_NEON_H
#define EB_ADD_S8_NEON_H

#include "../../include/eb_neon.h"

#define EB_ADD_NEON_LANES 8

/* How an operand or a sum is scaled, for eb_neon_rescale: the same for all four. */
static inline void eb_add_neon_scales(int32_t multiplier, int32_t shift, int32_t *scales)
{
    for (int32_t i = 0; i < 4; ++i) {
        scales[i] = 0;
        scales[4 + i] = multiplier;
        scales[8 + i] = shift;
    }
}

/* Whether an operand is scaled by a half: the one with the larger scale, mostly. */
static inline int eb_add_neon_is_half(int32_t multiplier, int32_t shift)
{
    return multiplier == 1 << 30 && shift == 0;
}

/* What is computed with. */
typedef struct {
    eb_add_s8 p;
    int32_t a_scales[EB_NEON_SCALES];
    int32_t b_scales[EB_NEON_SCALES];
    int32_t out_scales[EB_NEON_SCALES];
} eb_add_neon;

/* Eight elements, scaled. is_half: a constant. */
EB_INLINED void eb_add_neon_operand(
    const int8_t *from, int32_t zero_point, const int32_t *scales, int is_half, eb_neon_sums to[2])
{
    eb_neon_widen_20(from, zero_point, is_half, to);
    if (!is_half) {
        to[0] = eb_neon_rescale(to[0], scales);
        to[1] = eb_neon_rescale(to[1], scales);
    }
}

/* Eight sums. Constants: a_is_half, b_is_half. */
EB_INLINED void eb_add_neon_eight(const eb_add_neon *with,
                                  const int8_t *a,
                                  const int8_t *b,
                                  int8_t *out,
                                  int a_is_half,
                                  int b_is_half)
{
    const eb_add_s8 *p = &with->p;
    const eb_output_s8 output = {p->out_zero_point, p->low, p->high};
    eb_neon_sums scaled_a[2];
    eb_neon_sums scaled_b[2];
    eb_neon_sums sums[2];
    eb_add_neon_operand(a, p->a_zero_point, with->a_scales, a_is_half, scaled_a);
    eb_add_neon_operand(b, p->b_zero_point, with->b_scales, b_is_half, scaled_b);
    for (int32_t i = 0; i < 2; ++i) {
        const eb_neon_sums sum = p->b_sign > 0 ? eb_neon_plus(scaled_a[i], scaled_b[i])
                                               : eb_neon_minus(scaled_a[i], scaled_b[i]);
        sums[i] = eb_neon_rescale(sum, with->out_scales);
    }
    eb_neon_store_8(out, sums[0], sums[1], output);
}

/* `count` elements side by side. Constants: a_is_half, b_is_half. */
EB_INLINED void eb_add_neon_elements(const eb_add_neon *with,
                                     const int8_t *a,
                                     const int8_t *b,
                                     int8_t *out,
                                     int32_t count,
                                     int a_is_half,
                                     int b_is_half)
{
    int32_t i = 0;
    for (; i + EB_ADD_NEON_LANES <= count; i += EB_ADD_NEON_LANES) {
        eb_add_neon_eight(with, a + i, b + i, out + i, a_is_half, b_is_half);
    }
    for (; i < count; ++i) {
        out[i] = eb_add_s8_element(&with->p, a[i], b[i]);
    }
}

EB_KERNEL void eb_add_s8_neon_row(const eb_add_s8 *params,
                                  const int8_t *a,
                                  const int8_t *b,
                                  int8_t *out,
                                  int32_t out_pixel_stride)
{
    eb_add_neon with = {*params, {0}, {0}, {0}}; /* which no output can be part of */
    const eb_add_s8 *p = &with.p;
    const int a_is_half = eb_add_neon_is_half(p->a_multiplier, p->a_shift);
    const int b_is_half = eb_add_neon_is_half(p->b_multiplier, p->b_shift);
    int32_t count = p->extent[2];
    int32_t pixels = p->extent[1];
    if (p->a_stride[1] == count && p->b_stride[1] == count && out_pixel_stride == count) {
        count *= pixels;
        pixels = 1;
    }
    eb_add_neon_scales(p->a_multiplier, p->a_shift, with.a_scales);
    eb_add_neon_scales(p->b_multiplier, p->b_shift, with.b_scales);
    eb_add_neon_scales(p->out_multiplier, p->out_shift, with.out_scales);
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < pixels; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            if (a_is_half) {
                eb_add_neon_elements(&with, from_a, from_b, out, count, 1, 0);
            } else if (b_is_half) {
                eb_add_neon_elements(&with, from_a, from_b, out, count, 0, 1);
            } else {
                eb_add_neon_elements(&with, from_a, from_b, out, count, 0, 0);
            }
            out += pixels == p->extent[1] ? out_pixel_stride : count;
        }
    }
}

#endif /* EB_ADD_S8_NEON_H */
