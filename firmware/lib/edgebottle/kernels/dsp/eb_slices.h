/* Sums of products of bits for 32 output channels at a time: counters whose bits lie in slices, one
 * word for the lowest bits of all channels, one for the next ones, and so on.
 *
 * A word of weights holds a tap of 32 channels, channel 0 in its lowest bit. Where the value of the
 * tap is 1, it is added to the counters by the logic of full adders, a bit for each channel.
 */
#ifndef EB_SLICES_H
#define EB_SLICES_H

#include "eb_counts.h"

#define EB_SLICES 11      /* counters are modulo 2^EB_SLICES */
#define EB_SLICES_TAPS 16 /* that are added at a time */

/* What is counted; the assembly knows the offsets. */
typedef struct {
    uint32_t slices[EB_SLICES]; /* 0 */
    const uint32_t *weights;    /* 44: afterwards of the next 32 channels */
    const uint8_t *window; /* 48: bits of the values, 0 behind the last one; at even addresses */
    uint32_t halves;       /* 52: >= 1: of the window, EB_SLICES_TAPS taps each */
} eb_slices_tile;

/* The weights of a layer, and how counts become outputs of two values.
 *
 * The output is the higher value where lowest * sum + step * count reaches the threshold of the
 * channel; sum: of the values of the window. -lowest * sum is a multiple of `unit`, as step is:
 * counters begin at `start` less the steps in it, and what is left chooses the thresholds.
 */
typedef struct {
    int32_t halves;  /* see eb_slices_tile */
    int32_t slices;  /* of counters that matter, and of thresholds: 1 .. EB_SLICES */
    int32_t minus;   /* -lowest: 0 .. 128 */
    int32_t step;    /* 1 .. 255 */
    int32_t unit;    /* 1 .. 255 */
    int32_t start;   /* 0 .. 2^EB_SLICES - 1 */
    int32_t is_bits; /* outputs are stored as bits, not as int8 */
} eb_slices;

#if defined(__ARM_FEATURE_DSP)
#include "eb_slices_arm.h"
#else
#include "eb_slices_twin.h"
#endif

/* The channels whose counters are at least as high as thresholds; of these, all bits inverted. */
static inline uint32_t
eb_slices_reached(const uint32_t *slices, const uint32_t *inverted, int32_t count)
{
    uint32_t reached = 0xffffffffu; /* the carry of counter + inverted + 1 */
#pragma GCC unroll 1
    for (int32_t k = 0; k < count; ++k) {
        const uint32_t a = slices[k];
        const uint32_t b = inverted[k];
        reached = (a & b) | (reached & (a | b));
    }
    return reached;
}

#endif /* EB_SLICES_H */
