/* Fully connected layer with weights of few bits, several to a multiplication: see
 * eb_fully_connected.h, eb_masks.h.
 */
#ifndef EB_FULLY_CONNECTED_MASKS_H
#define EB_FULLY_CONNECTED_MASKS_H

#include "eb_masks.h"

/* A layer; edgebottle/ops/masked_weights.py says what fits together. */
typedef struct eb_masked_layer eb_masked_layer;
struct eb_masked_layer {
    int32_t batches;
    int32_t inputs;
    int32_t outputs;
    int32_t in_bytes; /* of the inputs of a batch */
    int32_t (*read)(const eb_masked_layer *p, const uint8_t *in, uint32_t *to);
    void (*sum)(const eb_masked_part *p);
    int32_t group;   /* outputs of four words of weights: 4 or 8 */
    int32_t words;   /* of the values of a batch */
    int32_t stream;  /* the same, with what the lanes of each run begin with */
    int32_t run;     /* words of values of a run */
    int32_t row;     /* words of weights for a group */
    uint32_t mask;   /* of the lowest code */
    uint32_t middle; /* what is subtracted from words of values */
    int32_t middles; /* the sum of its lanes */
    uint32_t start;  /* what lanes begin with, */
    uint32_t centre; /* less that times the sum of the values of a run */
    int32_t lowest;  /* weight = lowest + step * (code - what `centre` says) */
    int32_t step;
    int32_t added;     /* to each sum, for what lanes begin with */
    int32_t one_scale; /* 1 where all outputs have the same */
};

/* eb_masked_read_BITS: lays out the values of a batch in runs; returns their sum.
 *
 * BYTE: C type of a byte of the input, which holds the values of COUNT words; WORD gives number k.
 * Values behind the last are those of a byte of 0.
 */
#define EB_MASKED_READ(BITS, BYTE, COUNT, WORD, SUM)                                               \
    EB_KERNEL int32_t eb_masked_read_##BITS(const eb_masked_layer *p, const uint8_t *in,           \
                                            uint32_t *to)                                          \
    {                                                                                              \
        const uint8_t *end = in + p->in_bytes;                                                     \
        const uint32_t middle = p->middle;                                                         \
        int32_t total = 0;                                                                         \
        for (int32_t left = p->words; left > 0; left -= p->run) {                                  \
            const int32_t count = eb_min(left, p->run);                                            \
            uint32_t *start = to++;                                                                \
            int32_t sum = -p->middles * count;                                                     \
            for (const uint32_t *last = to + count; to != last;) {                                 \
                const uint32_t byte = in != end ? (uint32_t)(BYTE) * in++ : 0u;                    \
                _Pragma("GCC unroll 2") for (int32_t k = 0; k < (COUNT); ++k)                      \
                {                                                                                  \
                    const uint32_t word = WORD(byte, k);                                           \
                    sum += (int32_t)SUM(word);                                                     \
                    *to++ = word - middle;                                                         \
                }                                                                                  \
            }                                                                                      \
            *start = p->start - p->centre * (uint32_t)sum;                                         \
            total += sum;                                                                          \
        }                                                                                          \
        return total;                                                                              \
    }

#define EB_MASKED_WHOLE(byte, k) (byte)
#define EB_MASKED_NIBBLE(byte, k) ((byte) >> 4 * (k) & 0x0fu)
#define EB_MASKED_FOUR_2(byte, k) eb_bits_spread(byte, 2)
#define EB_MASKED_FOUR_1(byte, k) eb_bits_spread((byte) >> 4 * (k), 1)
#define EB_MASKED_SUM_OF_FOUR(word) ((word) * 0x01010101u >> 24)

EB_MASKED_READ(8, int8_t, 1, EB_MASKED_WHOLE, )
EB_MASKED_READ(4, uint8_t, 2, EB_MASKED_NIBBLE, )
EB_MASKED_READ(2, uint8_t, 1, EB_MASKED_FOUR_2, EB_MASKED_SUM_OF_FOUR)
EB_MASKED_READ(1, uint8_t, 2, EB_MASKED_FOUR_1, EB_MASKED_SUM_OF_FOUR)

/* The whole layer.
 *
 * weights: groups of outputs x words x 4; bias: with what the kernel leaves out of the sums, and
 * for outputs up to groups; scales: see eb_scale_s8.h, without a pivot, for sums with their bias;
 * scratch: `stream` words.
 */
EB_KERNEL void eb_fully_connected_masks_layer(const eb_masked_layer *p,
                                              const void *in,
                                              int8_t *out,
                                              const uint32_t *weights,
                                              const int32_t *bias,
                                              const int32_t *scales,
                                              void *scratch)
{
    uint32_t *values = (uint32_t *)scratch;
    const uint8_t *row = (const uint8_t *)in;
    for (int32_t b = 0; b < p->batches; ++b) {
        const uint32_t total = (uint32_t)p->read(p, row, values);
        const uint32_t base = (uint32_t)p->added + (uint32_t)p->lowest * total;
        const int32_t *scale = scales;
        uint32_t sums[8];
        eb_masked_part part = {values, values + p->stream, weights, sums, 4 * p->run, p->mask};
        for (int32_t o = 0; o < p->outputs; o += p->group) {
            const int32_t count = eb_min(p->group, p->outputs - o);
            int32_t scaled[8];
            for (int32_t k = 0; k < p->group; ++k) {
                sums[k] = 0;
            }
            p->sum(&part);
            part.weights += p->row;
            for (int32_t k = 0; k < count; ++k) {
                scaled[k] = (int32_t)((uint32_t)bias[o + k] + base + (uint32_t)p->step * sums[k]);
            }
            if (p->one_scale) {
                eb_scale_s8(scale, 0, scaled, count, out + o, 1);
                continue;
            }
            for (int32_t k = 0; k < count; ++k) {
                eb_scale_s8(scale, 0, scaled + k, 1, out + o + k, 1);
                scale += EB_SCALE_WORDS(0);
            }
        }
        row += p->in_bytes;
        out += p->outputs;
    }
}

#endif /* EB_FULLY_CONNECTED_MASKS_H */
