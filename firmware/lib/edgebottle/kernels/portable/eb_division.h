/* Quotients and remainders of two elements, one row; included by eb_division.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_DIVISION_H
#define EB_KERNELS_PORTABLE_DIVISION_H

/* The kernel `name`: `result`, an expression of the elements a and b. */
#define EB_DIVISION_ROW(name, parameters, type, result)                                            \
    static inline void name(const parameters *p, const type *row_a, const type *row_b, type *out,  \
                            int32_t out_pixel_stride)                                              \
    {                                                                                              \
        for (int32_t o = 0; o < p->extent[0]; ++o) {                                               \
            for (int32_t i = 0; i < p->extent[1]; ++i) {                                           \
                const type *from_a = row_a + o * p->a_stride[0] + i * p->a_stride[1];              \
                const type *from_b = row_b + o * p->b_stride[0] + i * p->b_stride[1];              \
                for (int32_t c = 0; c < p->extent[2]; ++c) {                                       \
                    const type a = from_a[c * p->a_stride[2]];                                     \
                    const type b = from_b[c * p->b_stride[2]];                                     \
                    out[c] = (type)(result);                                                       \
                }                                                                                  \
                out += out_pixel_stride;                                                           \
            }                                                                                      \
        }                                                                                          \
    }

/* The quotient of int8 operands without their zero points, at the output's scale; 0 where the
 * divisor is. */
static inline int32_t eb_div_s8_quotient(const eb_div_s8 *p, int32_t a, int32_t b)
{
    if (a == 0 || b == 0) {
        return 0;
    }
    const int32_t dividend = b < 0 ? -a : a;
    const uint32_t divisor = (uint32_t)(b < 0 ? -b : b);
    /* The divisor is 1 + x times a power of two; the dividend gets all bits that there is room for.
     */
    const int32_t zeros = __builtin_clz(divisor);
    const int32_t inverse = eb_one_over_one_plus((int32_t)((divisor << zeros) - 0x80000000u));
    const uint32_t magnitude = (uint32_t)(dividend < 0 ? ~dividend : dividend);
    const int32_t room = magnitude == 0 ? 31 : __builtin_clz(magnitude) - 1;
    const int32_t wide = (int32_t)((uint32_t)dividend << room);
    const int32_t right = 31 - zeros + room - p->shift;
    if (right > 31) {
        return 0;
    }
    const int32_t quotient = eb_doubling_high_mul(wide, inverse);
    return eb_rounding_shift_right(eb_doubling_high_mul(quotient, p->multiplier), right);
}

/* The quotient without its fraction, wrapping; 0 where b is. */
static inline int32_t eb_div_s32_quotient(int32_t a, int32_t b)
{
    if (b == 0 || b == -1) {
        return b == 0 ? 0 : (int32_t)(0u - (uint32_t)a);
    }
    return a / b;
}

/* a less the largest multiple of b that is not above it (below it, where b is negative); 0 where b
 * is. */
static inline int32_t eb_floor_mod_s32(int32_t a, int32_t b)
{
    if (b == 0 || b == -1) {
        return 0;
    }
    const int32_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/* The largest integer that is not above the quotient, wrapping; 0 where b is. */
static inline int32_t eb_floor_div_s32(int32_t a, int32_t b)
{
    const int32_t quotient = eb_div_s32_quotient(a, b);
    return b != 0 && b != -1 && a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

/* The rest of a division towards zero, exact; NaN where b is 0 or a is not finite.
 *
 * As on paper: the divisor times falling powers of two is taken off where it fits.
 */
static inline float eb_remainder_f32(float a, float b)
{
    const float divisor = b < 0.0f ? -b : b;
    float rest = a < 0.0f ? -a : a;
    if (!(divisor > 0.0f) || !(rest - rest == 0.0f)) {
        return eb_float_from_bits(0x7fc00000u);
    }
    if (!(rest >= divisor)) {
        return a;
    }
    float step = divisor;
    while (step <= rest * 0.5f) {
        step *= 2.0f;
    }
    for (;;) {
        if (rest >= step) {
            rest -= step;
        }
        if (step == divisor) {
            return a < 0.0f ? -rest : rest;
        }
        step *= 0.5f;
    }
}

/* As eb_floor_mod_s32; NaN where b is 0 or a is not finite. */
static inline float eb_floor_mod_f32(float a, float b)
{
    const float rest = eb_remainder_f32(a, b);
    return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

/* The largest integer that is not above the quotient; the quotient where there is no remainder. */
static inline float eb_floor_div_f32(float a, float b)
{
    const float rest = eb_remainder_f32(a, b);
    if (rest != rest) {
        return a / b;
    }
    const float whole = (a - rest) / b; /* an integer, but for its rounding */
    const int is_small = whole > -4194304.0f && whole < 4194304.0f;
    const float nearest = is_small ? (float)eb_round_f32(whole) : whole;
    return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? nearest - 1.0f : nearest;
}

EB_DIVISION_ROW(
    eb_div_s8_row,
    eb_div_s8,
    int8_t,
    eb_clamp(eb_clamp(eb_div_s8_quotient(p, a - p->a_zero_point, b - p->b_zero_point), -256, 255) +
                 p->out_zero_point,
             p->low,
             p->high))
EB_DIVISION_ROW(eb_div_s32_row,
                eb_division_s32,
                int32_t,
                eb_clamp(eb_div_s32_quotient(a, b), p->low, p->high))
EB_DIVISION_ROW(eb_div_f32_row, eb_division_f32, float, eb_clamp_f32(a / b, p->low, p->high))
EB_DIVISION_ROW(eb_floor_div_s8_row, eb_division_s32, int8_t, eb_floor_div_s32(a, b))
EB_DIVISION_ROW(eb_floor_div_s32_row, eb_division_s32, int32_t, eb_floor_div_s32(a, b))
EB_DIVISION_ROW(eb_floor_div_f32_row, eb_division_f32, float, eb_floor_div_f32(a, b))
EB_DIVISION_ROW(eb_floor_mod_s8_row, eb_division_s32, int8_t, eb_floor_mod_s32(a, b))
EB_DIVISION_ROW(eb_floor_mod_s32_row, eb_division_s32, int32_t, eb_floor_mod_s32(a, b))
EB_DIVISION_ROW(eb_floor_mod_f32_row, eb_division_f32, float, eb_floor_mod_f32(a, b))

#endif /* EB_KERNELS_PORTABLE_DIVISION_H */
