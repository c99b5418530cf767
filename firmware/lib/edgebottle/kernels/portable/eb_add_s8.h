/* ADD and SUB of int8, one row; included by eb_add.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_ADD_S8_H
#define EB_KERNELS_PORTABLE_ADD_S8_H

#include <stdint.h>

#include "eb_scale_down.h"

/* Whether an operand has the larger scale: half of it is the common scale, and exact. */
EB_SPECIALISED int eb_add_s8_is_half(int32_t multiplier, int32_t shift)
{
    return multiplier == 1 << 30 && shift == 0;
}

/* An operand, 20 bits wider, at the common scale, plus `added`. */
EB_SPECIALISED int32_t eb_add_s8_operand(
    int32_t value, int32_t zero_point, int32_t multiplier, int32_t shift, int32_t added)
{
    const int32_t wide = value * (1 << 20) - zero_point * (1 << 20);
    if (eb_add_s8_is_half(multiplier, shift)) {
        return value * (1 << 19) - zero_point * (1 << 19) + added;
    }
    if (shift < -3) { /* it has no room for more than the operand */
        return eb_scale_down(wide, multiplier, -shift, 0) + added;
    }
    return eb_scale_down(wide, multiplier, -shift, added);
}

/* One element. */
EB_SPECIALISED int8_t eb_add_s8_element(const eb_add_s8 *p, int32_t a, int32_t b)
{
    /* The zero point of an operand that is only shifted joins the constants of the other. */
    const int half_a = eb_add_s8_is_half(p->a_multiplier, p->a_shift);
    const int half_b = !half_a && eb_add_s8_is_half(p->b_multiplier, p->b_shift);
    const int32_t zero_a = half_a ? 0 : p->a_zero_point;
    const int32_t zero_b = half_b ? 0 : p->b_zero_point;
    const int32_t from_a = half_a ? -p->b_sign * p->a_zero_point * (1 << 19) : 0;
    const int32_t from_b = half_b ? -p->b_sign * p->b_zero_point * (1 << 19) : 0;
    const int32_t wide_a = eb_add_s8_operand(a, zero_a, p->a_multiplier, p->a_shift, from_b);
    const int32_t wide_b = eb_add_s8_operand(b, zero_b, p->b_multiplier, p->b_shift, from_a);
    const int32_t sum = wide_a + p->b_sign * wide_b;
    const int32_t right = -p->out_shift;
    /* With a larger shift the sum would leave int32. */
    const int32_t zero_point = right < 22 ? p->out_zero_point : 0;
    const int32_t later = p->out_zero_point - zero_point;
    const int32_t scaled = eb_scale_down(sum, p->out_multiplier, right, zero_point);
    return (int8_t)(eb_saturate(scaled, p->low - later, p->high - later) + later);
}

EB_SPECIALISED void eb_add_s8_row(
    const eb_add_s8 *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t out_pixel_stride)
{
    const int32_t step_a = p->a_stride[2];
    const int32_t step_b = p->b_stride[2];
    const int32_t even = p->extent[2] & ~1;
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            int8_t *to = out;
            const int8_t *end = out + even;
            EB_KEEP_LOOP
            while (to != end) { /* two at a time halve the loop's share */
                to[0] = eb_add_s8_element(p, from_a[0], from_b[0]);
                to[1] = eb_add_s8_element(p, from_a[step_a], from_b[step_b]);
                from_a += 2 * step_a;
                from_b += 2 * step_b;
                to += 2;
            }
            if (even != p->extent[2]) {
                *to = eb_add_s8_element(p, *from_a, *from_b);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_ADD_S8_H */
