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

#endif /* EB_FIXED_FUNCTIONS_H */
