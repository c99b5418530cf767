/* A pixel times all output channels, with weights and inputs of 1 bit: the sum of the products of
 * codes is the number of bits that both have set.
 *
 * Bits are counted in fields of 2 bits, of three words at a time, then of 4 bits, then by bytes.
 * Even and odd bits of the values lie in words of their own, so that their products with weights
 * are such fields at once. A weight is lowest + step * code, so that the sum of the codes of a
 * window gives what is the same for all channels.
 */
#ifndef EB_COUNTS_H
#define EB_COUNTS_H

#include "eb_fields.h"

/* What the tiles read and write; the assembly knows the offsets.
 *
 * Words come in threes, but for the first ones where they do not divide: of each group of values
 * first the even bits of all, then the odd ones.
 */
typedef struct {
    const int32_t *requant;  /* 0: of each channel, see eb_tile, but for outputs from 0 on */
    int8_t *out;             /* 4 */
    int32_t channels;        /* 8: >= 1; 0 afterwards */
    int32_t base;            /* 12: twice lowest times the sum of the values' codes */
    int32_t twice_step;      /* 16 */
    int32_t low;             /* 20: what an output of 0 becomes */
    const uint32_t *values;  /* 24 */
    const uint32_t *weights; /* 28 */
    uint32_t weight_bytes;   /* 32: of a channel */
    uint32_t entry;          /* 36: bytes of code to skip: by the words that come first */
    int32_t span;            /* 40: the highest output - low */
} eb_counts_tile;

/* The weights of a layer. */
typedef struct {
    void (*tile)(eb_counts_tile *);
    int32_t words;  /* of the window of a pixel */
    int32_t lowest; /* -128 .. 127 */
    int32_t step;   /* 1 .. 255 */
} eb_counts;

/* Splits the words of a window; returns the number of bits that are set. */
EB_KERNEL int32_t eb_counts_split(const uint8_t *from, int32_t words, uint32_t *to)
{
    uint32_t sum = 0;
    for (int32_t count = words % 3 == 0 ? 3 : words % 3; words > 0; words -= count, count = 3) {
        for (int32_t k = 0; k < count; ++k) {
            const uint32_t word = eb_load_word(from);
            const uint32_t even = word & 0x55555555u;
            const uint32_t odd = (word >> 1) & 0x55555555u;
            uint32_t both = even + odd;
            both = (both & 0x33333333u) + ((both >> 2) & 0x33333333u);
            sum = eb_sum_of_bytes((both & 0x0f0f0f0fu) + ((both >> 4) & 0x0f0f0f0fu), sum);
            to[k] = even;
            to[count + k] = odd;
            from += 4;
        }
        to += 2 * count;
    }
    return (int32_t)sum;
}

#if defined(__ARM_FEATURE_DSP)
#include "eb_counts_arm.h"
#else
#include "eb_counts_twin.h"
#endif

#endif /* EB_COUNTS_H */
