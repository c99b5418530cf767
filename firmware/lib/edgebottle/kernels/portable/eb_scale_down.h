/* Requantization of small accumulators, which elementwise kernels do several times per element. */
#ifndef EB_KERNELS_PORTABLE_SCALE_DOWN_H
#define EB_KERNELS_PORTABLE_SCALE_DOWN_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* A kernel of which every layer has its own copy, with its parameters as constants: this halves the
 * instructions per element and takes no more code than the call of a shared copy does. */
#define EB_SPECIALISED static inline __attribute__((always_inline))

/* Before the loop of such a kernel: not to be unrolled, because there are many copies. */
#if defined(__clang__)
#define EB_KEEP_LOOP _Pragma("clang loop unroll(disable) vectorize(disable)")
#elif defined(__GNUC__)
#define EB_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define EB_KEEP_LOOP
#endif

/* eb_requantize for |value| < 2^30 and shift = -right; right: 0 .. 31, multiplier: 0 .. 2^31 - 1.
 *
 * Written so that Arm's SMMULR (the rounded high word of a product) fits.
 */
static inline int32_t eb_scale_down(int32_t value, int32_t multiplier, int32_t right)
{
    const int64_t product = (int64_t)(value * 2) * multiplier;
    const int32_t high = (int32_t)((product + ((int64_t)1 << 31)) >> 32);
    if (right == 0) {
        return high;
    }
    /* Half away from zero: half is added, less one for negative values. */
    return (high + (1 << (right - 1)) + (high >> 31)) >> right;
}

#endif /* EB_KERNELS_PORTABLE_SCALE_DOWN_H */
