/* Dot products with values that were widened to 16 bits, with the DSP instructions: both operands
 * may be computed at run time, and have zero points.
 */
#ifndef EB_DOT_WIDE_S8_H
#define EB_DOT_WIDE_S8_H

#include "eb_dsp.h"
#include "eb_requant.h"

/* Widens `count` bytes `stride` apart, less `zero_point`, and returns their sum.
 *
 * Of each four the words hold elements 0 and 2, then 1 and 3; what is left over follows in order.
 * to: 2 * count bytes. zero_point: -128 .. 127.
 */
EB_KERNEL int32_t
eb_widen_s8(const int8_t *from, int32_t stride, int32_t zero_point, int32_t count, uint32_t *to)
{
    int32_t sum = 0;
    int16_t *last;
    for (int32_t fours = count >> 2; fours > 0; --fours) {
        const int32_t first = from[0] - zero_point;
        const int32_t second = from[stride] - zero_point;
        const int32_t third = from[2 * stride] - zero_point;
        const int32_t fourth = from[3 * stride] - zero_point;
        to[0] = ((uint32_t)first & 0xffffu) | ((uint32_t)third << 16);
        to[1] = ((uint32_t)second & 0xffffu) | ((uint32_t)fourth << 16);
        sum += first + second + third + fourth;
        from += 4 * stride;
        to += 2;
    }
    last = (int16_t *)(void *)to;
    for (int32_t i = 0; i < (count & 3); ++i) {
        last[i] = (int16_t)(*from - zero_point);
        sum += last[i];
        from += stride;
    }
    return sum;
}

/* Four vectors of `count` bytes, `stride` apart, times eb_widen_s8's values: acc[0] .. acc[3]. */
static inline void eb_dot_wide_1x4(
    const uint32_t *wide, const int8_t *vectors, int32_t stride, int32_t count, int32_t *acc)
{
    const int8_t *other = vectors + 2 * stride;
    const int16_t *last;
    int32_t acc0 = 0;
    int32_t acc1 = 0;
    int32_t acc2 = 0;
    int32_t acc3 = 0;
    for (int32_t fours = count >> 2; fours > 0; --fours) {
        const uint32_t even = wide[0];
        const uint32_t odd = wide[1];
        const uint32_t w0 = eb_load_word(vectors);
        const uint32_t w1 = eb_load_word(vectors + stride);
        const uint32_t w2 = eb_load_word(other);
        const uint32_t w3 = eb_load_word(other + stride);
        acc0 = eb_smlad(eb_sxtb16(w0), even, acc0);
        acc1 = eb_smlad(eb_sxtb16(w1), even, acc1);
        acc2 = eb_smlad(eb_sxtb16(w2), even, acc2);
        acc3 = eb_smlad(eb_sxtb16(w3), even, acc3);
        acc0 = eb_smlad(eb_sxtb16_ror8(w0), odd, acc0);
        acc1 = eb_smlad(eb_sxtb16_ror8(w1), odd, acc1);
        acc2 = eb_smlad(eb_sxtb16_ror8(w2), odd, acc2);
        acc3 = eb_smlad(eb_sxtb16_ror8(w3), odd, acc3);
        wide += 2;
        vectors += 4;
        other += 4;
    }
    last = (const int16_t *)(const void *)wide;
    for (int32_t i = 0; i < (count & 3); ++i) {
        acc0 += last[i] * vectors[i];
        acc1 += last[i] * vectors[stride + i];
        acc2 += last[i] * other[i];
        acc3 += last[i] * other[stride + i];
    }
    acc[0] = acc0;
    acc[1] = acc1;
    acc[2] = acc2;
    acc[3] = acc3;
}

/* One vector: as eb_dot_wide_1x4. */
static inline int32_t eb_dot_wide_1x1(const uint32_t *wide, const int8_t *vector, int32_t count)
{
    int32_t acc = 0;
    const int16_t *last;
    for (int32_t fours = count >> 2; fours > 0; --fours) {
        const uint32_t word = eb_load_word(vector);
        acc = eb_smlad(eb_sxtb16(word), wide[0], acc);
        acc = eb_smlad(eb_sxtb16_ror8(word), wide[1], acc);
        wide += 2;
        vector += 4;
    }
    last = (const int16_t *)(const void *)wide;
    for (int32_t i = 0; i < (count & 3); ++i) {
        acc += last[i] * vector[i];
    }
    return acc;
}

#endif /* EB_DOT_WIDE_S8_H */
