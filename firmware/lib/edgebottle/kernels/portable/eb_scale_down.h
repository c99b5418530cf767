/* Requantization of small accumulators, which elementwise kernels do several times per element. */
#ifndef EB_KERNELS_PORTABLE_SCALE_DOWN_H
#define EB_KERNELS_PORTABLE_SCALE_DOWN_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* A kernel of which every layer has its own copy, with its parameters as constants: this halves the
 * instructions per element and takes no more code than the call of a shared copy does. */
#ifndef EB_SPECIALISED
#define EB_SPECIALISED static inline __attribute__((always_inline))
#endif

/* Before the loop of such a kernel: not to be unrolled, because there are many copies. */
#if defined(__clang__)
#define EB_KEEP_LOOP _Pragma("clang loop unroll(disable) vectorize(disable)")
#elif defined(__GNUC__)
#define EB_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define EB_KEEP_LOOP
#endif

/* acc plus the high word of a * b, rounded half up. */
EB_SPECIALISED int32_t eb_add_high_mul(int32_t acc, int32_t a, int32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t sum;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
#else
    return acc + (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
#endif
}

/* eb_clamp for bounds that are constants. */
EB_SPECIALISED int32_t eb_saturate(int32_t value, int32_t low, int32_t high)
{
#if defined(__ARM_FEATURE_DSP) && !defined(__clang__) /* which finds this instruction by itself */
    if (low == -128 && high == 127) {
        __asm__("ssat %0, #8, %1" : "=r"(value) : "r"(value));
        return value;
    }
#endif
    return eb_clamp(value, low, high);
}

/* eb_requantize for |value| < 2^30 and shift = -right; right: 0 .. 31, multiplier: 0 .. 2^31 - 1.
 *
 * `added` is added to the result: |added| < 2^(30 - right), or 0.
 */
EB_SPECIALISED int32_t eb_scale_down(int32_t value,
                                     int32_t multiplier,
                                     int32_t right,
                                     int32_t added)
{
    const int32_t twice = value * 2;
    if (right == 0) {
        return eb_add_high_mul(added, twice, multiplier);
    }
    /* Half away from zero: half is added, less one for negative values. */
    const int32_t half = (1 << (right - 1)) + (int32_t)((uint32_t)added << right);
    return eb_add_high_mul(half + (twice >> 31), twice, multiplier) >> right;
}

#endif /* EB_KERNELS_PORTABLE_SCALE_DOWN_H */
