/* Pixels times output channels with values of few bits, spread by eb_few_spread.h.
 *
 * Channels lie in the lanes of a vector of weights, and some taps of each side by side; the same
 * taps of a pixel are repeated for all of them. Four ways to multiply and sum up:
 *   bytes   products of bytes, four taps of four channels, summed up in bytes: they start so that
 *           none leaves 0 .. 255 in a block of taps
 *   halves  the same taps as int8, summed up as int16 in a block
 *   dots    the same with SDOT, summed up as int32: eb_few_dots.h
 *   counts  sixteen taps of eight channels, of planes of bits: the bits that both have set
 * edgebottle/ops/few_packing.py packs weights and cuts taps into blocks.
 */
#ifndef EB_FEW_H
#define EB_FEW_H

#include "../../include/eb_rows.h"
#include "eb_few_vectors.h"

typedef struct eb_few_tile eb_few_tile;

/* What the kernels know of a layer.
 *
 * blocks: for each block, the number of its segments; then of each segment the bytes from the first
 * value of a window to its first one, and how many vectors of weights it has for each channel.
 */
typedef struct {
    void (*four)(const eb_few_tile *); /* pixels at a time, */
    void (*one)(const eb_few_tile *);
    const int32_t *blocks;
    int32_t block_count;
    int32_t pixel;       /* bytes from a window to the next one */
    int32_t plane_bytes; /* from a plane of values to the next one */
    int32_t step;        /* of sums, to those of the weights */
    int32_t lowest;      /* times the sum of a window, added to those; 0: it is not asked for */
} eb_few;

/* weights: of all channels; scales: see eb_neon_requantize; base: lowest times the sum of each
 * window; sums: where they stay, of which there are whole sixteens. */
struct eb_few_tile {
    const eb_few *few;
    const uint8_t *window;
    const uint8_t *weights;
    const int32_t *scales;
    int8_t *out;
    int32_t out_stride;
    int32_t channels;
    int32_t base[4];
    eb_output_s8 output;
    int32_t *sums;
};

/* Sums of all pixels become outputs of `quads` fours of channels, the last of which may have fewer
 * than four. */
EB_INLINED void eb_few_store(
    const eb_few_tile *t, int32_t pixels, int32_t quads, int32_t channel, eb_neon_sums sums[4][4])
{
    const eb_output_s8 output = t->output;
    const int32_t step = t->few->step;
    const int32_t stride = t->out_stride;
    const int32_t *scales = t->scales + channel / 4 * EB_NEON_SCALES;
    const int32_t left = t->channels - channel;
    int8_t *out = t->out + channel;
    EB_UNROLLED
    for (int32_t q = 0; q < quads; ++q) {
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            sums[i][q] = eb_neon_scale(eb_sums_scale(t->base[i], step, sums[i][q]),
                                       scales + q * EB_NEON_SCALES);
        }
    }
    if (quads > 1 && left >= 4 * quads) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; q += 2) {
            EB_UNROLLED
            for (int32_t i = 0; i < pixels; ++i) {
                eb_neon_store_8(out + i * stride + 4 * q, sums[i][q], sums[i][q + 1], output);
            }
        }
        return;
    }
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            eb_neon_store(out + i * stride + 4 * q, eb_neon_bounded(sums[i][q], output),
                          left - 4 * q);
        }
    }
}

/* Sums of a pixel stay sums, whose requantization is another one. */
EB_INLINED void eb_few_keep(
    const eb_few_tile *t, int32_t pixels, int32_t quads, int32_t channel, eb_neon_sums sums[4][4])
{
    (void)pixels;
    EB_UNROLLED
    for (int32_t q = 0; q < quads; ++q) {
        eb_neon_put(t->sums + channel + 4 * q, eb_sums_scale(t->base[0], t->few->step, sums[0][q]));
    }
}

/* Points to the values of each pixel, `first` bytes from where its window begins. */
EB_INLINED void
eb_few_point(const eb_few_tile *t, int32_t pixels, int32_t first, const uint8_t *values[4])
{
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        values[i] = eb_place(t->window + i * t->few->pixel + first);
    }
}

/* The next four taps of each pixel, repeated for four channels. */
EB_INLINED void eb_few_next(int32_t pixels, const uint8_t *values[4], eb_neon_bytes taps[4])
{
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        taps[i] = eb_bytes_repeat_4(values[i]);
        values[i] += 4;
    }
}

/* All functions below: pixels (1 or 4), quads and the like are constants. Sums of each pixel and
 * four channels go to `done`; they return where the weights of the next channels are. */

EB_INLINED const uint8_t *eb_few_bytes(const eb_few_tile *t,
                                       int32_t pixels,
                                       int32_t quads,
                                       const uint8_t *weights,
                                       eb_neon_sums done[4][4])
{
    const int32_t *block = t->few->blocks;
    eb_neon_halves totals[4][4];
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            totals[i][q] = eb_halves_zero();
        }
    }
    for (int32_t b = t->few->block_count; b > 0; --b) {
        eb_neon_bytes sums[4][4];
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            EB_UNROLLED
            for (int32_t i = 0; i < pixels; ++i) {
                sums[i][q] = eb_bytes_load(weights);
            }
            weights += 16;
        }
        for (int32_t left = *block++; left > 0; --left) {
            const uint8_t *values[4];
            eb_few_point(t, pixels, block[0], values);
            for (const uint8_t *end = weights + 16 * quads * block[1]; weights != end;) {
                eb_neon_bytes taps[4];
                eb_few_next(pixels, values, taps);
                EB_UNROLLED
                for (int32_t q = 0; q < quads; ++q) {
                    const eb_neon_bytes weight = eb_bytes_load(weights);
                    weights += 16;
                    EB_UNROLLED
                    for (int32_t i = 0; i < pixels; ++i) {
                        sums[i][q] = eb_bytes_multiply_add(sums[i][q], taps[i], weight);
                    }
                }
            }
            block += 2;
        }
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            EB_UNROLLED
            for (int32_t q = 0; q < quads; ++q) {
                totals[i][q] = eb_halves_add_pairs(totals[i][q], sums[i][q]);
            }
        }
    }
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            done[i][q] = eb_sums_of_pairs(totals[i][q]);
        }
    }
    return weights;
}

EB_INLINED const uint8_t *eb_few_halves(const eb_few_tile *t,
                                        int32_t pixels,
                                        int32_t quads,
                                        const uint8_t *weights,
                                        eb_neon_sums done[4][4])
{
    const int32_t *block = t->few->blocks;
    eb_neon_sums totals[4][2][2];
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            totals[i][q][0] = eb_neon_zero();
            totals[i][q][1] = eb_neon_zero();
        }
    }
    for (int32_t b = t->few->block_count; b > 0; --b) {
        eb_neon_halves sums[4][2][2];
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            EB_UNROLLED
            for (int32_t q = 0; q < quads; ++q) {
                sums[i][q][0] = eb_halves_zero();
                sums[i][q][1] = eb_halves_zero();
            }
        }
        for (int32_t left = *block++; left > 0; --left) {
            const uint8_t *values[4];
            eb_few_point(t, pixels, block[0], values);
            for (const uint8_t *end = weights + 16 * quads * block[1]; weights != end;) {
                eb_neon_bytes taps[4];
                eb_few_next(pixels, values, taps);
                EB_UNROLLED
                for (int32_t q = 0; q < quads; ++q) {
                    const eb_neon_bytes weight = eb_bytes_load(weights);
                    weights += 16;
                    EB_UNROLLED
                    for (int32_t i = 0; i < pixels; ++i) {
                        eb_neon_halves *two = sums[i][q];
                        two[0] = eb_halves_multiply_low(two[0], taps[i], weight);
                        two[1] = eb_halves_multiply_high(two[1], taps[i], weight);
                    }
                }
            }
            block += 2;
        }
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            EB_UNROLLED
            for (int32_t q = 0; q < quads; ++q) {
                totals[i][q][0] = eb_sums_add_pairs(totals[i][q][0], sums[i][q][0]);
                totals[i][q][1] = eb_sums_add_pairs(totals[i][q][1], sums[i][q][1]);
            }
        }
    }
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            done[i][q] = eb_sums_join_pairs(totals[i][q][0], totals[i][q][1]);
        }
    }
    return weights;
}

/* Eight channels. Counts of bits whose product has the same weight are summed up together; the
 * upper bit of a weight of 2 bits counts less than zero. */
EB_INLINED const uint8_t *eb_few_counts(const eb_few_tile *t,
                                        int32_t pixels,
                                        int32_t weight_bits,
                                        int32_t value_bits,
                                        const uint8_t *weights,
                                        eb_neon_sums done[4][4])
{
    const int32_t *block = t->few->blocks;
    eb_neon_halves totals[4];
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        totals[i] = eb_halves_zero();
    }
    for (int32_t b = t->few->block_count; b > 0; --b) {
        eb_neon_bytes counts[4][3];
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            EB_UNROLLED
            for (int32_t k = 0; k < 3; ++k) {
                counts[i][k] = eb_bytes_zero();
            }
        }
        for (int32_t left = *block++; left > 0; --left) {
            const uint8_t *values[4];
            const uint8_t *upper[4];
            eb_few_point(t, pixels, block[0], values);
            EB_UNROLLED
            for (int32_t i = 0; i < pixels; ++i) {
                upper[i] = eb_place(values[i] + t->few->plane_bytes);
            }
            for (const uint8_t *end = weights + 16 * weight_bits * block[1]; weights != end;) {
                const eb_neon_bytes low = eb_bytes_load(weights);
                const eb_neon_bytes high =
                    weight_bits > 1 ? eb_bytes_load(weights + 16) : eb_bytes_zero();
                weights += 16 * weight_bits;
                EB_UNROLLED
                for (int32_t i = 0; i < pixels; ++i) {
                    const eb_neon_bytes first = eb_bytes_repeat_2(values[i]);
                    counts[i][0] = eb_bytes_add(counts[i][0], eb_bytes_count(first, low));
                    if (weight_bits > 1) {
                        counts[i][1] = eb_bytes_subtract(counts[i][1], eb_bytes_count(first, high));
                    }
                    if (value_bits > 1) {
                        const eb_neon_bytes second = eb_bytes_repeat_2(upper[i]);
                        counts[i][1] = eb_bytes_add(counts[i][1], eb_bytes_count(second, low));
                        if (weight_bits > 1) {
                            counts[i][2] = eb_bytes_add(counts[i][2], eb_bytes_count(second, high));
                        }
                    }
                    values[i] += 2;
                    upper[i] += 2;
                }
            }
            block += 2;
        }
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            totals[i] = eb_halves_add_pairs(totals[i], counts[i][0]);
            if (weight_bits + value_bits > 2) {
                totals[i] = eb_halves_add(totals[i], eb_halves_twice_pairs(counts[i][1]));
            }
            if (weight_bits + value_bits > 3) {
                totals[i] = eb_halves_subtract(totals[i], eb_halves_four_pairs(counts[i][2]));
            }
        }
    }
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        done[i][0] = eb_sums_low(totals[i]);
        done[i][1] = eb_sums_high(totals[i]);
    }
    return weights;
}

/* All channels, so many fours of them at a time, then four: eb_few_NAME_FORM. PUT takes the sums.
 */
#define EB_FEW_QUADS(NAME, FORM, PUT, PIXELS, QUADS)                                               \
    EB_KERNEL void eb_few_##NAME##_##FORM(const eb_few_tile *t)                                    \
    {                                                                                              \
        const uint8_t *weights = t->weights;                                                       \
        eb_neon_sums done[4][4];                                                                   \
        int32_t channel = 0;                                                                       \
        for (; t->channels - channel > 4 * (QUADS) - 4; channel += 4 * (QUADS)) {                  \
            weights = eb_few_##NAME(t, PIXELS, QUADS, weights, done);                              \
            PUT(t, PIXELS, QUADS, channel, done);                                                  \
        }                                                                                          \
        for (; channel < t->channels; channel += 4) {                                              \
            weights = eb_few_##NAME(t, PIXELS, 1, weights, done);                                  \
            PUT(t, PIXELS, 1, channel, done);                                                      \
        }                                                                                          \
    }

/* Four pixels, one, and the sums of one. */
#define EB_FEW_FORMS(NAME, QUADS)                                                                  \
    EB_FEW_QUADS(NAME, 4, eb_few_store, 4, QUADS)                                                  \
    EB_FEW_QUADS(NAME, 1, eb_few_store, 1, QUADS)                                                  \
    EB_FEW_QUADS(NAME, sums, eb_few_keep, 1, QUADS)

EB_FEW_FORMS(bytes, 4)
EB_FEW_FORMS(halves, 2)

/* All channels, eight at a time: eb_few_counts_WEIGHT_BITS_VALUE_BITS_FORM. */
#define EB_FEW_EIGHTS(WEIGHT_BITS, VALUE_BITS, FORM, PUT, PIXELS)                                  \
    EB_KERNEL void eb_few_counts_##WEIGHT_BITS##_##VALUE_BITS##_##FORM(const eb_few_tile *t)       \
    {                                                                                              \
        const uint8_t *weights = t->weights;                                                       \
        eb_neon_sums done[4][4];                                                                   \
        for (int32_t channel = 0; channel < t->channels; channel += 8) {                           \
            weights = eb_few_counts(t, PIXELS, WEIGHT_BITS, VALUE_BITS, weights, done);            \
            PUT(t, PIXELS, 2, channel, done);                                                      \
        }                                                                                          \
    }

#define EB_FEW_COUNTS(WEIGHT_BITS, VALUE_BITS)                                                     \
    EB_FEW_EIGHTS(WEIGHT_BITS, VALUE_BITS, 4, eb_few_store, 4)                                     \
    EB_FEW_EIGHTS(WEIGHT_BITS, VALUE_BITS, 1, eb_few_store, 1)                                     \
    EB_FEW_EIGHTS(WEIGHT_BITS, VALUE_BITS, sums, eb_few_keep, 1)

EB_FEW_COUNTS(1, 1)
EB_FEW_COUNTS(1, 2)
EB_FEW_COUNTS(2, 1)
EB_FEW_COUNTS(2, 2)

#include "eb_few_dots.h"

#endif /* EB_FEW_H */
