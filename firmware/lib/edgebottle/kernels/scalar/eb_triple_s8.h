/* Sums of products for three pixels at once, in two 32-bit words.
 *
 * Values x0, x1, x2 of three pixels become two words, x0 + 2^21 x1 and x2 + 2^10 x1. Times a weight
 * and summed, modulo 2^32, these are A0 + 2^21 A1 and A2 + 2^10 A1, from which the three sums come
 * back exactly if none leaves -2^20 .. 2^20 - 1: the low 21 bits of the first word are A0, which
 * leaves the low 11 bits of A1; without them the second word is A2 + 2^21 (A1 / 2^11). So three
 * products take two multiplications of a plain core. No run of taps is longer than the compiler
 * proves it may be (triple_segment in edgebottle/ops/scaling.py).
 */
#ifndef EB_TRIPLE_S8_H
#define EB_TRIPLE_S8_H

#include "eb_bits.h"
#include "eb_scale_s8.h"

#define EB_TRIPLE_CHANNELS 4

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_7M__)
#include "eb_triple_s8_thumb.h"
#elif defined(__riscv_mul) && __riscv_xlen == 32
#include "eb_triple_s8_riscv.h"
#else
/* A run of taps times four channels, whose weights are `stride` bytes apart: two words each. */
EB_KERNEL void eb_triple_sums(
    const uint32_t *values, int32_t taps, const int8_t *weights, int32_t stride, uint32_t *words)
{
    for (int32_t k = 0; k < EB_TRIPLE_CHANNELS; ++k) {
        uint32_t first = 0;
        uint32_t second = 0;
        for (int32_t i = 0; i < taps; ++i) {
            const uint32_t weight = (uint32_t)weights[i];
            first += values[2 * i] * weight;
            second += values[2 * i + 1] * weight;
        }
        weights += stride;
        *words++ = first;
        *words++ = second;
    }
}
#endif

/* Packs `count` values of three pixels; returns where the next ones go. */
EB_KERNEL uint32_t *
eb_triple_pack(const int8_t *p0, const int8_t *p1, const int8_t *p2, uint32_t *to, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        const uint32_t middle = (uint32_t)p1[i] << 10;
        to[0] = (uint32_t)p0[i] + (middle << 11);
        to[1] = (uint32_t)p2[i] + middle;
        to += 2;
    }
    return to;
}

/* Adds to the three sums of each channel what its two words hold. */
EB_KERNEL void eb_triple_add(int32_t *sums, const uint32_t *words)
{
    const int32_t *end = sums + 3 * EB_TRIPLE_CHANNELS;
#pragma GCC unroll 1
    for (; sums != end; sums += 3) {
        const uint32_t first = *words++;
        const int32_t sum0 = (int32_t)(first << 11) >> 11;
        const int32_t bottom = (int32_t)(first - (uint32_t)sum0) >> 21;
        const uint32_t rest = *words++ - ((uint32_t)bottom << 10);
        const int32_t sum2 = (int32_t)(rest << 11) >> 11;
        const int32_t top = (int32_t)(rest - (uint32_t)sum2) >> 10; /* a multiple of 2^11 */
        sums[0] += sum0;
        sums[1] += bottom + top;
        sums[2] += sum2;
    }
}

/* Three windows times all channels. */
typedef struct {
    const uint32_t *values; /* the packed windows */
    int32_t taps;           /* of a window */
    int32_t segment;        /* of a run */
    const int8_t *weights;  /* channels, rounded up to fours, x taps */
    const int32_t *scales;  /* see eb_scale_s8.h */
    int has_pivot;          /* of eb_scale_s8's records */
    int32_t channels;
    int32_t out_pixel_stride;
    int32_t pixels; /* how many of the three outputs are wanted */
} eb_triple;

/* The sums of three windows and four channels, whose weights are given. */
EB_INLINED void eb_triple_all_sums(const eb_triple *t, const int8_t *weights, int32_t *sums)
{
    for (int32_t tap = 0; tap < t->taps; tap += t->segment) {
        uint32_t words[2 * EB_TRIPLE_CHANNELS];
        eb_triple_sums(t->values + 2 * tap, eb_min(t->segment, t->taps - tap), weights + tap,
                       t->taps, words);
        eb_triple_add(sums, words);
    }
}

/* output: NULL, or where outputs lie that are rounded as LiteRT does. */
EB_INLINED void eb_triple_outputs_of(const eb_triple *t, const eb_output_s8 *output, int8_t *out)
{
    const int8_t *weights = t->weights;
    const int32_t *scales = t->scales;
    const int8_t *end = out + t->channels;
    while (out != end) {
        int32_t sums[3 * EB_TRIPLE_CHANNELS] = {0};
        eb_triple_all_sums(t, weights, sums);
        const int32_t *sum = sums;
        do {
            if (output != NULL) {
                eb_scale_twice(scales, output, sum, t->pixels, out, t->out_pixel_stride);
                scales += EB_SCALE_TWICE_WORDS;
            } else {
                eb_scale_s8(scales, t->has_pivot, sum, t->pixels, out, t->out_pixel_stride);
                scales += EB_SCALE_WORDS(t->has_pivot);
            }
            sum += 3;
            ++out;
        } while (out != end && sum != sums + 3 * EB_TRIPLE_CHANNELS);
        weights += EB_TRIPLE_CHANNELS * t->taps;
    }
}

EB_KERNEL void eb_triple_outputs(const eb_triple *t, int8_t *out)
{
    eb_triple_outputs_of(t, NULL, out);
}

/* The same with the records of eb_scale_twice. */
EB_KERNEL void eb_triple_outputs_twice(const eb_triple *t, const eb_output_s8 *output, int8_t *out)
{
    eb_triple_outputs_of(t, output, out);
}

/* Stores the outputs of four channels of a pixel, a byte each, with 4, 2 or 1 bits each. Those of 1
 * bit go to the upper half of their byte if `is_upper`. */
static inline void eb_triple_store(uint8_t *to, uint32_t outputs, int32_t bits, int is_upper)
{
    if (bits == 4) {
        const uint32_t both = eb_bits_gather(outputs, 4);
        to[0] = (uint8_t)both;
        to[1] = (uint8_t)(both >> 8);
    } else if (bits == 2) {
        *to = (uint8_t)eb_bits_gather(outputs, 2);
    } else {
        const uint32_t half = eb_bits_gather(outputs, 1);
        *to = (uint8_t)(is_upper ? half << 4 | *to : half);
    }
}

/* eb_triple_outputs with outputs that are stored with 4, 2 or 1 bits, from 0 on. */
EB_KERNEL void eb_triple_bits_outputs(const eb_triple *t, uint8_t *out, int32_t bits)
{
    const int8_t *weights = t->weights;
    const int32_t *scales = t->scales;
    for (int32_t channel = 0; channel < t->channels; channel += EB_TRIPLE_CHANNELS) {
        int32_t sums[3 * EB_TRIPLE_CHANNELS] = {0};
        uint32_t outputs[3] = {0, 0, 0};
        const int32_t count = eb_min(EB_TRIPLE_CHANNELS, t->channels - channel);
        eb_triple_all_sums(t, weights, sums);
        for (int32_t k = 0; k < count; ++k) {
            eb_scale_s8(scales, t->has_pivot, sums + 3 * k, t->pixels, (int8_t *)outputs + k, 4);
            scales += EB_SCALE_WORDS(t->has_pivot);
        }
        uint8_t *to = out + (channel * bits >> 3);
        if (count * bits <= 8 && bits == 4) { /* the last byte of a pixel */
            for (int32_t k = 0; k < t->pixels; ++k) {
                to[k * t->out_pixel_stride] = (uint8_t)eb_bits_gather(outputs[k], 4);
            }
            return;
        }
        for (int32_t k = 0; k < t->pixels; ++k) {
            eb_triple_store(to, outputs[k], bits, channel & 4);
            to += t->out_pixel_stride;
        }
        weights += EB_TRIPLE_CHANNELS * t->taps;
    }
}

#endif /* EB_TRIPLE_S8_H */
