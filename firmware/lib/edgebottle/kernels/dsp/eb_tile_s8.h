/* Tiles of four output channels times one or two pixels: the inner loops of the packed kernels.
 *
 * A 16-bit lane of the weights holds two output channels as 256 * a + b, so that SMLAD of the raw
 * word sums 256 * A + B, SMLAD of its SXTB16 sums B, and A = (raw - B) / 256. The compiler packs
 * the weights, and packs them so only where no sum can leave 32 bits (edgebottle/ops/packing.py).
 *
 * Sums are rounded as those of convolutions, and by the tiles named `once` as fully connected
 * layers round.
 *
 * On Arm a tile is assembly, because the compilers keep no 14 registers busy without spilling;
 * the C twins do the same on any other machine.
 */
#ifndef EB_TILE_S8_H
#define EB_TILE_S8_H

#include <stddef.h>

#include "eb_dsp.h"
#include "eb_requant.h"

/* What the assembly reads and updates; it knows the offsets.
 *
 * A scale is three words: multiplier, what is added to the high word of the product, and by how
 * many places that is shifted right.
 */
typedef struct {
    int32_t weight_bytes;   /* 0: of four channels: 16 * fours */
    uint32_t entry;         /* 4: bytes of the unrolled loop to skip the first time */
    const void *values;     /* 8: two pixels: eb_widen_2's words; one: bytes; 4 * fours taps */
    const int32_t *requant; /* 12: for each channel: 2 * bias, and unless `once`, a scale */
    int32_t is_signed;      /* 16: two pixels: not 0 if sums below zero matter, or it is clamped */
    int8_t *out;            /* 20: of the first pixel */
    int32_t quads;          /* 24: fours of channels to do, >= 1; 0 afterwards */
    int32_t out_stride;     /* 28: from the first pixel to the second */
    int32_t is_clamped;     /* 32: not 0 if the bounds are not those of int8 */
    uint32_t low;           /* 36: bounds of the fused activation, four times each */
    uint32_t high;          /* 40 */
    const uint32_t
        *weights;        /* 44: for each four channels and tap pair: lanes of 0, 1 and of 2, 3 */
    const int32_t *once; /* 48: one pixel: NULL, or the scale of all channels, rounded once */
} eb_tile;

/* Tiles whose outputs have few bits, counted from 0 on. */
typedef struct {
    void (*pair)(eb_tile *);   /* of two pixels */
    void (*single)(eb_tile *); /* of one */
    int32_t bits;              /* of an output, as it is stored: 4, 2 or 1 */
} eb_bits_tiles;

/* How the sums of a convolution become outputs; zero_point, low, high: -128 .. 127. */
static inline void eb_tile_place(eb_tile *t, int32_t zero_point, int32_t low, int32_t high)
{
    t->low = ((uint32_t)low & 0xffu) * 0x01010101u;
    t->high = ((uint32_t)high & 0xffu) * 0x01010101u;
    t->is_clamped = (low + 128) | (127 - high);
    /* Rounding half up instead of half away from zero moves negative outputs only, and none up
     * to more than the zero point. */
    t->is_signed = t->is_clamped | (zero_point - low);
    t->once = NULL;
}

#if defined(__ARM_FEATURE_DSP)
#include "eb_tile_s8_arm.h"
#else
#include "eb_tile_s8_twin.h"
#endif

/* A pixel or two times all channels with a tile for as many; t says all but `requant`, `out` and
 * `quads`.
 *
 * A last four that is not whole is computed beside the output, and copied.
 */
EB_INLINED void eb_run_this_tile(void (*const tile)(eb_tile *),
                                 eb_tile *t,
                                 int is_pair,
                                 const int32_t *requant,
                                 int8_t *out,
                                 int32_t channels)
{
    int8_t last[8];
    const int32_t stride = t->out_stride;
    const uint32_t *weights = t->weights;
    t->requant = requant;
    t->out = out;
    t->quads = channels >> 2;
    if (t->quads > 0) {
        tile(t);
    }
    if ((channels & 3) != 0) {
        t->out = last;
        t->out_stride = 4;
        t->quads = 1;
        tile(t);
        out += channels & ~3;
#pragma GCC unroll 1
        for (int32_t k = 0; k < (channels & 3); ++k) {
            out[k] = last[k];
            if (is_pair) {
                out[stride + k] = last[4 + k];
            }
        }
        t->out_stride = stride;
    }
    t->weights = weights;
}

/* The same with a tile whose outputs are stored with `bits` bits: 4, 2 or 1. What is left of the
 * last byte of a pixel becomes 0. */
EB_INLINED void eb_run_bits_tile(void (*const tile)(eb_tile *),
                                 eb_tile *t,
                                 int is_pair,
                                 const int32_t *requant,
                                 int8_t *out,
                                 int32_t channels,
                                 int32_t bits)
{
    int8_t last[4] = {0, 0, 0, 0};
    const int32_t stride = t->out_stride;
    const uint32_t *weights = t->weights;
    const int32_t rest = channels & (bits == 1 ? 7 : 3);
    t->requant = requant;
    t->out = out;
    t->quads = (channels - rest) >> 2;
    if (t->quads > 0) {
        tile(t);
    }
    if (rest != 0) {
        /* A single four of 1 bit comes into the higher half of a byte. */
        const int32_t moved = bits == 1 && rest <= 4 ? 4 : 0;
        t->out = last;
        t->out_stride = 2;
        t->quads = (rest + 3) >> 2;
        tile(t);
        out += (channels - rest) * bits >> 3;
#pragma GCC unroll 1
        for (int32_t k = 0; 8 * k < rest * bits; ++k) {
            out[k] = (int8_t)((uint8_t)last[k] >> moved);
            if (is_pair) {
                out[stride + k] = (int8_t)((uint8_t)last[2 + k] >> moved);
            }
        }
        t->out_stride = stride;
    }
    t->weights = weights;
}

/* The same with eb_tile_4x2, or eb_tile_4x1. */
static inline void
eb_run_tile(eb_tile *t, int is_pair, const int32_t *requant, int8_t *out, int32_t channels)
{
    eb_run_this_tile(is_pair ? eb_tile_4x2 : eb_tile_4x1, t, is_pair, requant, out, channels);
}

/* eb_run_tile with the tiles that round once. */
static inline void
eb_run_tile_once(eb_tile *t, int is_pair, const int32_t *requant, int8_t *out, int32_t channels)
{
    eb_run_this_tile(is_pair ? eb_tile_4x2_once : eb_tile_4x1_once, t, is_pair, requant, out,
                     channels);
}

#endif /* EB_TILE_S8_H */
