/* Tiles of two or three output channels times four pixels, with weights and inputs of few bits: the
 * products of a tap with one another are fields of one 64-bit product.
 *
 * A word of values holds a tap of two pixels, 30 bits apart, a word of weights a tap of three
 * channels, 10 bits apart: UMLAL adds six products to six fields of 10 bits, which is exact for
 * products up to 9 of 113 taps. Or the pixels are 14 bits apart, and two channels 28 bits: four
 * products to fields of 14 bits, for products up to 225 of 72 taps. Before they overflow, fields
 * are added to totals in memory.
 *
 * Values and weights are codes here, from 0 on. A weight is lowest + step * code, so that the sum
 * of the codes of a window gives what is the same for all channels.
 */
#ifndef EB_FIELDS_H
#define EB_FIELDS_H

#include "eb_conv_2d_s8_packed.h"

/* What the tiles read and write; the assembly knows the offsets. */
typedef struct {
    const uint32_t *values;  /* 0: for each tap one or two words */
    const uint32_t *weights; /* 4: of two or three channels; afterwards of the next ones */
    uint32_t weight_bytes;   /* 8: of those channels */
    uint32_t entry;          /* 12: bytes of the unrolled loop to skip the first time */
    uint32_t totals[12];     /* 16: the fields of the first word of a tap, then of the second */
    uint32_t chunks;         /* 64: of the unrolled loop, before fields are first added to totals */
    const int32_t *requant;  /* 68: of each channel, see eb_tile, but for outputs from 0 on */
    int8_t *out;             /* 72: of the first pixel */
    int32_t channels;        /* 76: >= 1; 0 afterwards */
    int32_t stride;          /* 80: from a pixel to the next */
    int32_t last_stride;     /* 84: to the last one, 0 if that is the last but one once more */
    int32_t twice_step;      /* 88 */
    int32_t low;             /* 92: what an output of 0 becomes */
    int32_t base[4];         /* 96: of each pixel, twice lowest times the sum of its codes */
} eb_fields_tile;

#if defined(__ARM_FEATURE_DSP)
#include "eb_fields_arm.h"
#else
#include "eb_fields_twin.h"
#endif

/* Spreads packed taps of pixels to words of values, and adds their sums to those of the pixels.
 *
 * from: of the first pixel; the other three lie `step` bytes apart; `count` bytes of each. half:
 * one word for each tap, of two pixels, and not two.
 */
typedef void
eb_spread(const uint8_t *from, int32_t step, int32_t count, int32_t half, uint32_t *to, int32_t *);

/* Bytes of a pixel whose codes can be summed in fields of 14 bits. */
#define EB_SPREAD_BYTES 64

/* Pixels 14 bits apart. */
#define EB_SPREAD_14(BITS)                                                                         \
    EB_KERNEL void eb_spread_##BITS##_14(const uint8_t *from, int32_t step, int32_t count,         \
                                         int32_t half, uint32_t *to, int32_t *sums)                \
    {                                                                                              \
        const uint32_t mask = ((1u << (BITS)) - 1u) * 0x4001u;                                     \
        while (count > 0) {                                                                        \
            const uint8_t *end = from + eb_min(count, EB_SPREAD_BYTES);                            \
            const uint8_t *other = from + 2 * step;                                                \
            uint32_t first = 0;                                                                    \
            uint32_t second = 0;                                                                   \
            count -= EB_SPREAD_BYTES;                                                              \
            while (half && from != end) {                                                          \
                const uint32_t word = (uint32_t)from[0] | (uint32_t)from[step] << 14;              \
                from++;                                                                            \
                EB_UNROLLED                                                                        \
                for (int32_t k = 0; k < 8; k += (BITS)) {                                          \
                    *to = (word >> k) & mask;                                                      \
                    first += *to++;                                                                \
                }                                                                                  \
            }                                                                                      \
            while (from != end) {                                                                  \
                const uint32_t word = (uint32_t)from[0] | (uint32_t)from[step] << 14;              \
                const uint32_t next = (uint32_t)other[0] | (uint32_t)other[step] << 14;            \
                from++;                                                                            \
                other++;                                                                           \
                EB_UNROLLED                                                                        \
                for (int32_t k = 0; k < 8; k += (BITS)) {                                          \
                    to[0] = (word >> k) & mask;                                                    \
                    to[1] = (next >> k) & mask;                                                    \
                    first += to[0];                                                                \
                    second += to[1];                                                               \
                    to += 2;                                                                       \
                }                                                                                  \
            }                                                                                      \
            sums[0] += (int32_t)(first & 0x3fffu);                                                 \
            sums[1] += (int32_t)(first >> 14);                                                     \
            sums[2] += (int32_t)(second & 0x3fffu);                                                \
            sums[3] += (int32_t)(second >> 14);                                                    \
        }                                                                                          \
    }

EB_SPREAD_14(2)
EB_SPREAD_14(4)

/* Up to four bytes. */
static inline uint32_t eb_load_bytes(const uint8_t *from, int32_t count)
{
    uint32_t word = 0;
    if (count >= 4) {
        return eb_load_word(from);
    }
    for (int32_t k = 0; k < count; ++k) {
        word |= (uint32_t)from[k] << 8 * k;
    }
    return word;
}

/* The codes of 2 bits of two pixels with even and with odd numbers, four bits apart, those of the
 * second pixel two bits below. */
typedef struct {
    uint32_t even;
    uint32_t odd;
} eb_pair_codes;

/* Of up to four bytes of each; adds their sums to those of the pixels. */
static inline eb_pair_codes
eb_pair_codes_2(const uint8_t *from, int32_t step, int32_t count, int32_t *sums)
{
    const uint32_t first = eb_load_bytes(from, count);
    const uint32_t second = eb_load_bytes(from + step, count);
    const uint32_t even[2] = {first & 0x33333333u, second & 0x33333333u};
    const uint32_t odd[2] = {(first >> 2) & 0x33333333u, (second >> 2) & 0x33333333u};
    eb_pair_codes pair = {even[0] | even[1] >> 2 | even[1] << 30,
                          odd[0] | odd[1] >> 2 | odd[1] << 30};
    EB_UNROLLED
    for (int32_t k = 0; k < 2; ++k) {
        const uint32_t both = even[k] + odd[k];
        const uint32_t bytes = (both & 0x0f0f0f0fu) + ((both >> 4) & 0x0f0f0f0fu);
        sums[k] = (int32_t)eb_sum_of_bytes(bytes, (uint32_t)sums[k]);
    }
    return pair;
}

/* `word` rotated to the right, masked to a tap of two pixels. */
static inline uint32_t eb_pair_tap(uint32_t word, int32_t place)
{
    return (place == 0 ? word : word >> place | word << (32 - place)) & 0xc0000003u;
}

/* Pixels 30 bits apart, of 2 bits. */
EB_KERNEL void eb_spread_2_30(
    const uint8_t *from, int32_t step, int32_t count, int32_t half, uint32_t *to, int32_t *sums)
{
    for (; count > 0; count -= 4) {
        const eb_pair_codes first = eb_pair_codes_2(from, step, count, sums);
        eb_pair_codes second = {0, 0};
        if (!half) {
            second = eb_pair_codes_2(from + 2 * step, step, count, sums + 2);
        }
        from += 4;
        if (half || count < 4) {
            for (int32_t place = 0; place < 8 * eb_min(count, 4); place += 4) {
                *to++ = eb_pair_tap(first.even, place);
                if (!half) {
                    *to++ = eb_pair_tap(second.even, place);
                }
                *to++ = eb_pair_tap(first.odd, place);
                if (!half) {
                    *to++ = eb_pair_tap(second.odd, place);
                }
            }
            continue;
        }
        EB_UNROLLED
        for (int32_t place = 0; place < 32; place += 4) {
            to[0] = eb_pair_tap(first.even, place);
            to[1] = eb_pair_tap(second.even, place);
            to[2] = eb_pair_tap(first.odd, place);
            to[3] = eb_pair_tap(second.odd, place);
            to += 4;
        }
    }
}

/* The tiles of a layer, and its weights and inputs. */
typedef struct {
    void (*whole)(eb_fields_tile *); /* tiles of four pixels and all channels */
    void (*half)(eb_fields_tile *);  /* of two, with one word for a tap */
    eb_spread *spread;
    int32_t bits;   /* of the input: 4 or 2 */
    int32_t taps;   /* of a window, as many as the words of weights hold */
    int32_t words;  /* of weights of the channels of a tile */
    int32_t lowest; /* -128 .. 127 */
    int32_t step;   /* 1 .. 255 */
} eb_fields;

#define EB_FIELDS_PIXELS 4

#endif /* EB_FIELDS_H */
