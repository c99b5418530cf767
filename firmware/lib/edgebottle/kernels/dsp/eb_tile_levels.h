/* Tiles of four output channels times one or two pixels, with weights of 4, 2 or 1 bits.
 *
 * A weight is lowest + step * code. The products with `lowest` are the same for all channels: one
 * sum of the values of each pixel. The others are sums of codes times values:
 *
 * Of 2 or 1 bits, a lane of 16 bits holds the codes of two channels, the second one in its highest
 * bits, which have a sign: code - 2, or code - 1. So SMLAD of the lane sums A + B * 2^14, or
 * B * 2^15, and both are exact for a run of words as long as the compiler found A to stay within
 * its bits. Then they are added to totals.
 *
 * Of 4 bits, a lane holds the codes of four channels, 4 bits each, the highest of which has a sign:
 * code - 8. SMLAD sums A + B * 2^4 + C * 2^8 + D * 2^12; the same without the highest codes, one
 * after the other, leave A + B * 2^4 + C * 2^8, and so on to A. The differences are exact in 32
 * bits that wrap, where the compiler packs weights so (edgebottle/ops/levels_packing.py). Where
 * `lowest` is a whole number of steps, the tile of two pixels named `whole` begins with that many
 * sums of the values in the place of each code, and adds no product with `lowest` afterwards.
 */
#ifndef EB_TILE_LEVELS_H
#define EB_TILE_LEVELS_H

#include "eb_tile_s8.h"

/* The weights of a layer. */
typedef struct {
    void (*pair)(eb_tile *);   /* a tile of two pixels */
    void (*single)(eb_tile *); /* of one */
    int32_t bits;              /* 4, 2 or 1 */
    int32_t lowest;            /* -128 .. 127 */
    int32_t step;              /* 1 .. 255 */
    int32_t run;               /* of 2 or 1 bits: the most words before sums are added to totals */
    int32_t is_whole;          /* of 4 bits: the tile of two pixels, or that of one which rounds
                                * once, is that of whole steps */
} eb_levels;

/* What the tiles read: eb_tile, and how codes become weights. The assembly knows the offsets. */
typedef struct {
    eb_tile tile;       /* 0: weight_bytes: taps * bits / 2; values of one pixel: words, too */
    int32_t twice_step; /* 52 */
    int32_t base[4];    /* 56: of each pixel, and of each pixel for channels whose codes have a
                         * sign: twice the weight of code 0 times the sum of the values */
    uint32_t run;       /* 72: of 2 or 1 bits: words before sums are added to totals */
    uint32_t first;     /* 76: the same the first time, 1 .. run */
    uint32_t more;      /* 80: runs after the first one; of 4 bits, fours before the loop */
    uint32_t next;      /* 84: bytes of the unrolled loop to skip for them */
    uint32_t totals[8]; /* 88: of the first channel of a lane, then of the second; of 4 bits, where
                         * steps are whole: what sums begin with, of both pixels in turn */
    int32_t steps;      /* of 4 bits, where they are whole: how many the lowest weight has */
} eb_tile_levels;

/* The taps of a window, `taps` of them in fours, as the tiles read them. */
static inline int32_t eb_levels_taps(int32_t taps, int32_t bits)
{
    return bits == 1 ? (taps + 7) & ~7 : taps;
}

/* Readies a tile but for its outputs; taps: see eb_levels_taps. */
static inline void eb_levels_place(eb_tile_levels *t, const eb_levels *levels, int32_t taps)
{
    t->twice_step = 2 * levels->step;
    t->tile.weight_bytes = taps * levels->bits / 2;
    if (levels->bits < 4) {
        const uint32_t words = (uint32_t)t->tile.weight_bytes / 4u;
        t->run = (uint32_t)levels->run;
        t->more = (words - 1u) / t->run;
        t->first = words - t->more * t->run;
    } else {
        t->steps = levels->lowest / levels->step;
    }
}

/* Sets the sum of the values of a pixel, 0 or 1. */
static inline void
eb_levels_set_sum(eb_tile_levels *t, const eb_levels *levels, int32_t pixel, int32_t sum)
{
    const int32_t lowest = levels->lowest;
    const int32_t of_signed = lowest + ((int32_t)1 << (levels->bits - 1)) * levels->step;
    uint32_t added = 0;
    if (levels->bits < 4) { /* half of the lower bits, that sums of both signs are in their range */
        added = (t->more + 1u) << (levels->bits == 2 ? 13 : 14);
    }
    t->base[pixel] = (int32_t)((uint32_t)(2 * lowest * sum) - added * (uint32_t)t->twice_step);
    t->base[2 + pixel] = 2 * of_signed * sum;
}

/* Sets the sum of the values of a pixel, 0 or 1, for the tile of whole steps. */
static inline void eb_levels_set_start(eb_tile_levels *t, int32_t pixel, int32_t sum)
{
    const uint32_t lowest = (uint32_t)(t->steps * sum);
    uint32_t *start = t->totals + pixel;
    start[0] = lowest;
    start[2] = lowest * 0x11u;
    start[4] = lowest * 0x111u;
    start[6] = lowest * 0x1111u + ((uint32_t)sum << 15); /* its codes have a sign: code - 8 */
}

/* The same for the tile of one pixel and whole steps, in the order of its registers. */
static inline void eb_levels_set_single_start(eb_tile_levels *t, int32_t sum)
{
    const uint32_t lowest = (uint32_t)(t->steps * sum);
    t->totals[0] = lowest;
    t->totals[1] = lowest * 0x111u;
    t->totals[2] = lowest * 0x11u;
    t->totals[3] = lowest * 0x1111u + ((uint32_t)sum << 15);
}

#if defined(__ARM_FEATURE_DSP)
#include "eb_tile_levels_arm.h"
#else
#include "eb_tile_levels_twin.h"
#endif

/* Widens `count` bytes of a pixel, and zeros up to a multiple of four, for a tile of one; returns
 * their sum. */
EB_KERNEL int32_t eb_widen_sum(const int8_t *from, int32_t count, uint32_t *to)
{
    const int32_t fours = count >> 2;
    int32_t sum = eb_widen_sum_1(from, to, fours);
    if ((count & 3) != 0) {
        uint32_t word = 0;
        for (int32_t k = 0; k < (count & 3); ++k) {
            word |= (uint32_t)(uint8_t)from[4 * fours + k] << 8 * k;
        }
        to[2 * fours] = eb_sxtb16(word);
        to[2 * fours + 1] = eb_sxtb16_ror8(word);
        sum = eb_smlad(to[2 * fours], 0x00010001u, sum);
        sum = eb_smlad(to[2 * fours + 1], 0x00010001u, sum);
    }
    return sum;
}

#endif /* EB_TILE_LEVELS_H */
