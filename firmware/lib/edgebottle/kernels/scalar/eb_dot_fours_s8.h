/* Dot products of int8 values with four vectors of weights: cores without the DSP extension. */
#ifndef EB_DOT_FOURS_S8_H
#define EB_DOT_FOURS_S8_H

#include <stdint.h>

#include "eb_requant.h"

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_7M__)
#include "eb_dot_fours_s8_thumb.h"
#else
/* Adds to four sums the products of `count` >= 1 values with weights `count` bytes apart. */
EB_KERNEL void
eb_dot_fours(const int8_t *values, int32_t count, const int8_t *weights, int32_t *sums)
{
    const int8_t *w0 = weights;
    const int8_t *w1 = w0 + count;
    const int8_t *w2 = w1 + count;
    const int8_t *w3 = w2 + count;
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
#pragma GCC unroll 4
    for (int32_t i = 0; i < count; ++i) {
        const int32_t value = values[i];
        sum0 += value * w0[i];
        sum1 += value * w1[i];
        sum2 += value * w2[i];
        sum3 += value * w3[i];
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}
#endif

#endif /* EB_DOT_FOURS_S8_H */
