/* The vector instructions that kernels of few bits need beside those of eb_neon.h, and C twins.
 *
 * Bytes are sixteen, halves eight int16, sums four int32. What leaves a lane is dropped.
 */
#ifndef EB_FEW_VECTORS_H
#define EB_FEW_VECTORS_H

#include <stdint.h>
#include <string.h>

#include "../../include/eb_dsp.h"
#include "../../include/eb_neon.h"

#if EB_HAVE_NEON
#include "eb_few_vectors_arm.h"
#else
#include "eb_few_vectors_twin.h"
#endif

/* The sum of so many bytes. */
static inline int32_t eb_bytes_total(const uint8_t *from, int32_t count)
{
    int32_t total = 0;
#if defined(__aarch64__) && EB_HAVE_NEON
    for (; count >= 8; count -= 8) {
        total += vaddlv_u8(vld1_u8(from));
        from += 8;
    }
    if (count >= 4) {
        total += vaddlv_u8(vcreate_u8(eb_load_word(from)));
        from += 4;
        count -= 4;
    }
#endif
    for (; count > 0; --count) {
        total += *from++;
    }
    return total;
}

#endif /* EB_FEW_VECTORS_H */
