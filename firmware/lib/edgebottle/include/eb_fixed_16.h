/* Logistic function and hyperbolic tangent on 16-bit fixed-point numbers.
 *
 * edgebottle/ops/fixed_point_16.py is the same in NumPy and says where the algorithms come from.
 * Values are within int16 but for what is said.
 */
#ifndef EB_FIXED_16_H
#define EB_FIXED_16_H

#include <stdint.h>

#include "eb_requant.h"

/* The largest number below 1, which stands for it. */
#define EB_FIXED_16_ONE 32767

/* a * b / 2^15, rounded half up, saturated. */
static inline int32_t eb_fixed_16_multiply(int32_t a, int32_t b)
{
    return eb_min((a * b + (1 << 14)) >> 15, EB_FIXED_16_ONE);
}

/* value * 2^places, saturated. places: 0 .. 7. */
static inline int32_t eb_fixed_16_shift_left(int32_t value, int32_t places)
{
    return eb_clamp(value * (1 << places), INT16_MIN, INT16_MAX);
}

/* e^value with 15 fractional bits, for -1/4 <= value < 0: the Taylor series around -1/8. */
static inline int32_t eb_fixed_16_exp_quarter(int32_t value)
{
    const int32_t x = value + (1 << 12);
    const int32_t square = eb_fixed_16_multiply(x, x);
    const int32_t fourth = eb_rounding_shift_right(eb_fixed_16_multiply(square, square), 2);
    const int32_t cube = eb_fixed_16_multiply(square, x);
    const int32_t rest =
        eb_rounding_shift_right(eb_fixed_16_multiply(fourth + cube, 10923) + square, 1);
    return eb_clamp(28918 + eb_fixed_16_multiply(28918, x + rest), INT16_MIN, INT16_MAX);
}

/* e^value with 15 fractional bits.
 *
 * value: 0 or less, with 15 - integer_bits fractional bits. integer_bits: 1 .. 7.
 */
static inline int32_t eb_fixed_16_exp(int32_t value, int32_t integer_bits)
{
    /* e^-(1/4), e^-(1/2), e^-1 ... e^-8; e^-16 is 0. */
    static const uint16_t factors[] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int32_t quarter = 1 << (13 - integer_bits);
    if (value == 0) {
        return EB_FIXED_16_ONE;
    }
    if (integer_bits >= 6 && value < -(32 << (15 - integer_bits))) {
        return 0;
    }
    const int32_t rest = (value & (quarter - 1)) - quarter;
    int32_t result = eb_fixed_16_exp_quarter(eb_fixed_16_shift_left(rest, integer_bits));
    int32_t quarters = (rest - value) >> (13 - integer_bits);
    for (const uint16_t *factor = factors; quarters != 0; quarters >>= 1) {
        if ((quarters & 1) != 0) {
            result = eb_fixed_16_multiply(result, *factor);
        }
        ++factor;
    }
    return result;
}

/* 2 / (1 + value) with 13 fractional bits, for 0 <= value <= 1: Newton and Raphson. */
static inline int32_t eb_fixed_16_reciprocal(int32_t value)
{
    const int32_t half_sum = (value + EB_FIXED_16_ONE + 1) / 2;
    int32_t x = 23130 + eb_fixed_16_multiply(half_sum, -15420); /* 48/17 - 32/17 of it */
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t error = 8192 - eb_fixed_16_multiply(half_sum, x);
        x += eb_fixed_16_shift_left(eb_fixed_16_multiply(x, error), 2);
    }
    return x;
}

/* 1 / (1 + e^-value) with 15 fractional bits. integer_bits: of value, 1 .. 7. */
static inline int32_t eb_fixed_16_logistic(int32_t value, int32_t integer_bits)
{
    if (value == 0) {
        return 1 << 14;
    }
    const int32_t negative = value < 0 ? value : -value;
    const int32_t x = eb_fixed_16_reciprocal(eb_fixed_16_exp(negative, integer_bits));
    const int32_t above = eb_fixed_16_shift_left(x, 1);
    return value > 0 ? above : EB_FIXED_16_ONE - above;
}

/* The hyperbolic tangent with 15 fractional bits. integer_bits: of value, 0 .. 6. */
static inline int32_t eb_fixed_16_tanh(int32_t value, int32_t integer_bits)
{
    if (value == 0) {
        return 0;
    }
    const int32_t negative = value < 0 ? value : -value;
    const int32_t x = eb_fixed_16_reciprocal(eb_fixed_16_exp(negative, integer_bits + 1));
    const int32_t result = eb_fixed_16_shift_left(x - 8192, 2);
    return value > 0 ? result : -result;
}

#endif /* EB_FIXED_16_H */
