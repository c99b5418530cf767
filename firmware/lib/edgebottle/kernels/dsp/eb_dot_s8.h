/* Dot products of int8 weights with values, with the DSP instructions. Both are bytes in their own
 * order, at any address.
 */
#ifndef EB_DOT_S8_H
#define EB_DOT_S8_H

#include "eb_dsp.h"
#include "eb_requant.h"

/* `count` bytes times two weight vectors, without scratch: acc[0], acc[1]. */
static inline void eb_dot_bytes_1x2(const int8_t *values,
                                    const int8_t *weights0,
                                    const int8_t *weights1,
                                    int32_t count,
                                    int32_t *acc)
{
    int32_t acc0 = acc[0];
    int32_t acc1 = acc[1];
    for (int32_t fours = count >> 2; fours > 0; --fours) {
        const uint32_t word = eb_load_word(values);
        const uint32_t w0 = eb_load_word(weights0);
        const uint32_t w1 = eb_load_word(weights1);
        const uint32_t even = eb_sxtb16(word);
        const uint32_t odd = eb_sxtb16_ror8(word);
        acc0 = eb_smlad(eb_sxtb16(w0), even, acc0);
        acc1 = eb_smlad(eb_sxtb16(w1), even, acc1);
        acc0 = eb_smlad(eb_sxtb16_ror8(w0), odd, acc0);
        acc1 = eb_smlad(eb_sxtb16_ror8(w1), odd, acc1);
        values += 4;
        weights0 += 4;
        weights1 += 4;
    }
    for (int32_t i = 0; i < (count & 3); ++i) {
        acc0 += values[i] * weights0[i];
        acc1 += values[i] * weights1[i];
    }
    acc[0] = acc0;
    acc[1] = acc1;
}

#endif /* EB_DOT_S8_H */
