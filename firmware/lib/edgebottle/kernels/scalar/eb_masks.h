/* Sums of products of weights of few bits, several to a multiplication: for one vector of values.
 *
 * The codes of weights lie apart in a word, `step` bits each: a shift and a mask leave one code in
 * each lane. Times a value, that is the products of two outputs, in lanes of 16 bits. Or four codes
 * of one output, in lanes of 8 bits and the last one lowest, are multiplied with four values, the
 * first one lowest: then the highest lane is the sum of four products. Lanes never carry over:
 * edgebottle/ops/masked_weights.py says after how many words they are emptied.
 */
#ifndef EB_MASKS_H
#define EB_MASKS_H

#include "eb_scale_s8.h"

#define EB_MASKED_WORDS                                                                            \
    4 /* of weights at a time: four outputs, or eight where lanes have 16 bits */

/* All values, times four words of weights. */
typedef struct {
    const uint32_t *values;  /* runs: what lanes begin with, then words of values */
    const uint32_t *end;     /* of the values */
    const uint32_t *weights; /* for all codes of a word, four words */
    uint32_t *sums;          /* four or eight, which are added to */
    int32_t run;             /* bytes of the values of a run */
    uint32_t mask;           /* of the lowest code */
} eb_masked_part;

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_7M__)
#include "eb_masks_thumb.h"
#else
/* Of lanes of 16 bits. */
static inline uint32_t *eb_masked_pairs(uint32_t *sums, uint32_t total)
{
    sums[0] += total & 0xffffu;
    sums[1] += total >> 16;
    return sums + 2;
}

/* Of the highest lane. */
static inline uint32_t *eb_masked_dots(uint32_t *sums, uint32_t total)
{
    sums[0] += total >> 24;
    return sums + 1;
}

#if defined(__riscv_mul) && __riscv_xlen == 32
#include "eb_masks_riscv.h"
#else
/* eb_masked_codes_STEP_COUNT: adds to four sums the products of words of values and of weights, in
 * each of which so many codes lie STEP bits apart; returns where the next weights are.
 */
#define EB_MASKED_CODES(STEP, COUNT)                                                               \
    static inline const uint32_t *eb_masked_codes_##STEP##_##COUNT(                                \
        const uint32_t *values, const uint32_t *last, const uint32_t *weights, uint32_t mask,      \
        uint32_t *sums)                                                                            \
    {                                                                                              \
        while (values != last) {                                                                   \
            for (int32_t code = 0; code < (COUNT); ++code) {                                       \
                const uint32_t value = *values++;                                                  \
                for (int32_t k = 0; k < EB_MASKED_WORDS; ++k) {                                    \
                    sums[k] += (weights[k] >> (STEP) * code & mask) * value;                       \
                }                                                                                  \
            }                                                                                      \
            weights += EB_MASKED_WORDS;                                                            \
        }                                                                                          \
        return weights;                                                                            \
    }

EB_MASKED_CODES(4, 4)
EB_MASKED_CODES(2, 8)
EB_MASKED_CODES(1, 16)
EB_MASKED_CODES(2, 4)
EB_MASKED_CODES(1, 8)
#endif

/* eb_masked_KIND_STEP_COUNT: all runs of values. */
#define EB_MASKED_SUMS(KIND, STEP, COUNT)                                                          \
    EB_KERNEL void eb_masked_##KIND##_##STEP##_##COUNT(const eb_masked_part *p)                    \
    {                                                                                              \
        const uint32_t *values = p->values;                                                        \
        const uint32_t *weights = p->weights;                                                      \
        while (values != p->end) {                                                                 \
            const uint32_t start = *values++;                                                      \
            const int32_t left = (int32_t)(p->end - values);                                       \
            const uint32_t *last = values + eb_min(left, p->run / 4);                              \
            uint32_t totals[EB_MASKED_WORDS] = {start, start, start, start};                       \
            uint32_t *sums = p->sums;                                                              \
            weights = eb_masked_codes_##STEP##_##COUNT(values, last, weights, p->mask, totals);    \
            values = last;                                                                         \
            _Pragma("GCC unroll 4") for (int32_t k = 0; k < EB_MASKED_WORDS; ++k)                  \
            {                                                                                      \
                sums = eb_masked_##KIND(sums, totals[k]);                                          \
            }                                                                                      \
        }                                                                                          \
    }

EB_MASKED_SUMS(pairs, 4, 4)
EB_MASKED_SUMS(pairs, 2, 8)
EB_MASKED_SUMS(pairs, 1, 16)
EB_MASKED_SUMS(dots, 2, 4)
EB_MASKED_SUMS(dots, 1, 8)
#endif

#endif /* EB_MASKS_H */
