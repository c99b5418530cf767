/* Dot products of int8 weights with values, with the DSP instructions.
 *
 * Widened values are int16 in the order SXTB16 gives: of each whole four a b c d, a c b d. Weights
 * are bytes in their own order at any address. The inner loops are functions of their own because
 * they need every register.
 */
#ifndef EB_DOT_S8_H
#define EB_DOT_S8_H

#include "eb_dsp.h"
#include "eb_requant.h"

/* Widens `count` bytes. `from` may lie in the upper half of the space of `to`. */
static inline void eb_widen(const int8_t *from, int16_t *to, int32_t count)
{
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const uint32_t word = eb_load_word(from + i);
        eb_store_word(to + i, eb_sxtb16(word));
        eb_store_word(to + i + 2, eb_sxtb16_ror8(word));
    }
    for (; i < count; ++i) {
        to[i] = from[i];
    }
}

/* Two widened value vectors times two weight vectors.
 *
 * acc: values0 * weights0, values0 * weights1, values1 * weights0, values1 * weights1.
 */
EB_KERNEL void eb_dot_2x2(const int16_t *values0,
                          const int16_t *values1,
                          const int8_t *weights0,
                          const int8_t *weights1,
                          int32_t count,
                          int32_t *acc)
{
    int32_t acc00 = acc[0];
    int32_t acc01 = acc[1];
    int32_t acc10 = acc[2];
    int32_t acc11 = acc[3];
    for (int32_t fours = count >> 2; fours > 0; --fours) {
        const uint32_t w0 = eb_load_word(weights0);
        const uint32_t w1 = eb_load_word(weights1);
        uint32_t w0_pair = eb_sxtb16(w0);
        uint32_t w1_pair = eb_sxtb16(w1);
        uint32_t pair = eb_load_word(values0);
        acc00 = eb_smlad(w0_pair, pair, acc00);
        acc01 = eb_smlad(w1_pair, pair, acc01);
        pair = eb_load_word(values1);
        acc10 = eb_smlad(w0_pair, pair, acc10);
        acc11 = eb_smlad(w1_pair, pair, acc11);
        w0_pair = eb_sxtb16_ror8(w0);
        w1_pair = eb_sxtb16_ror8(w1);
        pair = eb_load_word(values0 + 2);
        acc00 = eb_smlad(w0_pair, pair, acc00);
        acc01 = eb_smlad(w1_pair, pair, acc01);
        pair = eb_load_word(values1 + 2);
        acc10 = eb_smlad(w0_pair, pair, acc10);
        acc11 = eb_smlad(w1_pair, pair, acc11);
        values0 += 4;
        values1 += 4;
        weights0 += 4;
        weights1 += 4;
    }
    for (int32_t i = 0; i < (count & 3); ++i) {
        acc00 += values0[i] * weights0[i];
        acc01 += values0[i] * weights1[i];
        acc10 += values1[i] * weights0[i];
        acc11 += values1[i] * weights1[i];
    }
    acc[0] = acc00;
    acc[1] = acc01;
    acc[2] = acc10;
    acc[3] = acc11;
}

/* One widened value vector times two weight vectors: acc[0], acc[1]. */
EB_KERNEL void eb_dot_1x2(const int16_t *values,
                          const int8_t *weights0,
                          const int8_t *weights1,
                          int32_t count,
                          int32_t *acc)
{
    int32_t acc0 = acc[0];
    int32_t acc1 = acc[1];
    for (int32_t fours = count >> 2; fours > 0; --fours) {
        const uint32_t w0 = eb_load_word(weights0);
        const uint32_t w1 = eb_load_word(weights1);
        const uint32_t even = eb_load_word(values);
        const uint32_t odd = eb_load_word(values + 2);
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
