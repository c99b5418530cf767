/* Dot products of two vectors that may both be computed at run time, with vectors of sixteen. */
#ifndef EB_DOT_S8_MVE_H
#define EB_DOT_S8_MVE_H

#include "../../include/eb_mve.h"

/* The sum of `count` bytes. */
static inline int32_t eb_mve_sum(const int8_t *from, int32_t count)
{
    const eb_s8x16 ones = eb_fill_s8x16(1);
    int32_t sum = 0;
    for (; count > 0; count -= 16) {
        sum = eb_dot_s8x16(sum, eb_load_s8x16(from, count), ones);
        from += 16;
    }
    return sum;
}

/* The sum of the products of `count` bytes, less their zero points.
 *
 * a_sum: eb_mve_sum of a. count: at most 32767; zero points: -128 .. 127. */
static inline int32_t eb_mve_products(const int8_t *a,
                                      const int8_t *b,
                                      int32_t count,
                                      int32_t a_zero_point,
                                      int32_t b_zero_point,
                                      int32_t a_sum)
{
    const eb_s8x16 ones = eb_fill_s8x16(1);
    int32_t products = b_zero_point * (count * a_zero_point - a_sum);
    int32_t b_sum = 0;
    for (; count > 0; count -= 16) {
        const eb_s8x16 values = eb_load_s8x16(b, count);
        products = eb_dot_s8x16(products, eb_load_s8x16(a, count), values);
        b_sum = eb_dot_s8x16(b_sum, values, ones);
        a += 16;
        b += 16;
    }
    return products - a_zero_point * b_sum;
}

#endif /* EB_DOT_S8_MVE_H */
