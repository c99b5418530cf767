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

/* The fours of eb_dot_wide_1x4, at least one: added to acc; returns what follows of the values. */
#if defined(__ARM_FEATURE_DSP)
static inline const uint32_t *eb_dot_wide_fours(
    const uint32_t *wide, const int8_t *vectors, int32_t stride, int32_t fours, int32_t *acc)
{
    /* Compilers keep a pointer to each vector, more than there are registers for. */
    const int8_t *other = vectors + 2 * stride;
    int32_t acc0 = acc[0];
    int32_t acc1 = acc[1];
    int32_t acc2 = acc[2];
    int32_t acc3 = acc[3];
    uint32_t even;
    uint32_t odd;
    uint32_t word;
    uint32_t pair;
    __asm__ volatile(
        "1:\n\t"
        "ldr %[even], [%[wide]], #4\n\t"
        "ldr %[odd], [%[wide]], #4\n\t"
        "ldr %[word], [%[vectors], %[stride]]\n\t"
        "sxtb16 %[pair], %[word]\n\t"
        "smlad %[acc1], %[pair], %[even], %[acc1]\n\t"
        "sxtb16 %[pair], %[word], ror #8\n\t"
        "ldr %[word], [%[vectors]], #4\n\t"
        "smlad %[acc1], %[pair], %[odd], %[acc1]\n\t"
        "sxtb16 %[pair], %[word]\n\t"
        "smlad %[acc0], %[pair], %[even], %[acc0]\n\t"
        "sxtb16 %[pair], %[word], ror #8\n\t"
        "ldr %[word], [%[other], %[stride]]\n\t"
        "smlad %[acc0], %[pair], %[odd], %[acc0]\n\t"
        "sxtb16 %[pair], %[word]\n\t"
        "smlad %[acc3], %[pair], %[even], %[acc3]\n\t"
        "sxtb16 %[pair], %[word], ror #8\n\t"
        "ldr %[word], [%[other]], #4\n\t"
        "smlad %[acc3], %[pair], %[odd], %[acc3]\n\t"
        "sxtb16 %[pair], %[word]\n\t"
        "smlad %[acc2], %[pair], %[even], %[acc2]\n\t"
        "sxtb16 %[pair], %[word], ror #8\n\t"
        "smlad %[acc2], %[pair], %[odd], %[acc2]\n\t"
        "subs %[fours], #1\n\t"
        "bne 1b"
        : [acc0] "+r"(acc0), [acc1] "+r"(acc1), [acc2] "+r"(acc2), [acc3] "+r"(acc3),
          [wide] "+r"(wide), [vectors] "+r"(vectors), [other] "+r"(other), [fours] "+r"(fours),
          [even] "=&r"(even), [odd] "=&r"(odd), [word] "=&r"(word), [pair] "=&r"(pair)
        : [stride] "r"(stride)
        : "cc", "memory");
    acc[0] = acc0;
    acc[1] = acc1;
    acc[2] = acc2;
    acc[3] = acc3;
    return wide;
}
#else
static inline const uint32_t *eb_dot_wide_fours(
    const uint32_t *wide, const int8_t *vectors, int32_t stride, int32_t fours, int32_t *acc)
{
    for (; fours > 0; --fours) {
        for (int32_t k = 0; k < 4; ++k) {
            const uint32_t word = eb_load_word(vectors + k * stride);
            acc[k] = eb_smlad(eb_sxtb16(word), wide[0], acc[k]);
            acc[k] = eb_smlad(eb_sxtb16_ror8(word), wide[1], acc[k]);
        }
        wide += 2;
        vectors += 4;
    }
    return wide;
}
#endif

/* Four vectors of `count` bytes, `stride` apart, times eb_widen_s8's values: acc[0] .. acc[3]. */
EB_KERNEL void eb_dot_wide_1x4(
    const uint32_t *wide, const int8_t *vectors, int32_t stride, int32_t count, int32_t *acc)
{
    const int16_t *last;
    acc[0] = acc[1] = acc[2] = acc[3] = 0;
    if (count >= 4) {
        wide = eb_dot_wide_fours(wide, vectors, stride, count >> 2, acc);
        vectors += count & ~3;
    }
    last = (const int16_t *)(const void *)wide;
    for (int32_t i = 0; i < (count & 3); ++i) {
        for (int32_t k = 0; k < 4; ++k) {
            acc[k] += last[i] * vectors[k * stride + i];
        }
    }
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
