/* Functions in fixed point; edgebottle/ops/fixed_functions.py is the same in NumPy.
 *
 * The formats are written Qi.f: i integer and f fractional bits besides the sign.
 */
#ifndef EB_FIXED_FUNCTIONS_H
#define EB_FIXED_FUNCTIONS_H

#include <stdint.h>

#include "eb_requant.h"

/* 1 / (1 + a) in Q0.31, for a in Q0.31, a >= 0: half of 1 / d, where d = (1 + a) / 2.
 *
 * Three steps of Newton and Raphson from the line 48/17 - 32/17 d.
 */
static inline int32_t eb_one_over_one_plus(int32_t a)
{
    const int32_t d = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int32_t x = 1515870810 + eb_doubling_high_mul(d, -1010580540); /* Q2.29 */
    for (int i = 0; i < 3; ++i) {
        const int32_t error = (1 << 29) - eb_doubling_high_mul(d, x);
        x += eb_doubling_high_mul(x, error) * 4; /* Q4.27 to Q2.29 */
    }
    return x > INT32_MAX / 2 ? INT32_MAX : x * 2; /* halved: Q1.30 to Q0.31 */
}

/* value * 2^places, saturating. places: 0 .. 31. */
static inline int32_t eb_saturating_shift_left(int32_t value, int32_t places)
{
    const int64_t wide = (int64_t)value * ((int64_t)1 << places);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* multiplier * 2^(shift - 31). */
typedef struct {
    int32_t multiplier; /* 0 .. 2^31 - 1 */
    int32_t shift;      /* -15 .. 0 */
} eb_inverse_root;

/* 1 / sqrt(value); value: 0 .. 2^31 - 1, and 0 counts as 1.
 *
 * Five steps of Newton's method in Q3.28 from 1 on, for the value over a power of four.
 */
static inline eb_inverse_root eb_inverse_root_of(int32_t value)
{
    eb_inverse_root root = {INT32_MAX, 0};
    if (value <= 1) {
        return root;
    }
    int32_t right = 11;
    if (value >= 1 << 29) {
        value /= 4;
        ++right;
    }
    const int32_t pairs = (__builtin_clz((uint32_t)value) - 1) / 2 - 1;
    right -= pairs;
    const int32_t half = eb_rounding_shift_right((value << (2 * pairs)) >> 1, 1);
    int32_t x = 1 << 28;
    for (int i = 0; i < 5; ++i) {
        const int32_t square = eb_doubling_high_mul(x, x);
        const int32_t cube = eb_saturating_shift_left(eb_doubling_high_mul(square, x), 6);
        const int32_t rest = eb_doubling_high_mul(3 << 27, x) - eb_doubling_high_mul(half, cube);
        x = eb_saturating_shift_left(rest, 3);
    }
    x = eb_doubling_high_mul(x, 1518500250); /* sqrt(2) / 2 in Q0.31 */
    root.multiplier = right < 0 ? x << -right : x;
    root.shift = right < 0 ? 0 : -right;
    return root;
}

/* The natural logarithm in Q5.26 of a number in Q12.19 that is at least 1; see logarithm() in
 * fixed_functions.py.
 */
static inline int32_t eb_logarithm(int32_t value)
{
    const int32_t root = 1518500250;   /* of 1/2; all constants in Q0.31 */
    const int32_t fourth = 1805811301; /* root of 1/2 */
    const int32_t zeros = __builtin_clz((uint32_t)value);
    const int32_t room = __builtin_clz((uint32_t)eb_doubling_high_mul(value, root)) - 1;
    const int32_t first =
        eb_saturating_shift_left(eb_doubling_high_mul(value << (zeros - 1), root), 1);
    const int32_t rest = eb_min(first, eb_saturating_shift_left(value, room));
    const int32_t quarter = 1 << 23; /* in Q6.25 */
    const int32_t powers =
        eb_max((12 - zeros) * (1 << 25) + quarter, (12 - room) * (1 << 25) - quarter);
    const int32_t middle = (int32_t)(((int64_t)rest + fourth + 1) >> 1);
    const int32_t away = 2 * (rest - fourth);
    const int32_t square = eb_doubling_high_mul(away, away);
    const int32_t above = eb_doubling_high_mul(away, rest) +
                          eb_doubling_high_mul(eb_doubling_high_mul(away, square), 117049297);
    const int32_t slope = 1057819769 + away + eb_doubling_high_mul(127690142, square);
    const int32_t below =
        eb_doubling_high_mul(middle, slope) + eb_doubling_high_mul(638450708, away);
    const int32_t quotient =
        eb_doubling_high_mul(eb_rounding_shift_right(above, 6), eb_one_over_one_plus(below));
    return eb_saturating_shift_left(eb_doubling_high_mul(powers, 1488522236) + quotient, 1);
}

#endif /* EB_FIXED_FUNCTIONS_H */
