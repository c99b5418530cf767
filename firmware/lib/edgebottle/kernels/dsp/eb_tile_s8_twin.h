/* The tiles of eb_tile_s8.h in C: the same loads, sums and stores. */
#ifndef EB_TILE_S8_TWIN_H
#define EB_TILE_S8_TWIN_H

EB_KERNEL uint32_t *eb_widen_2(const int8_t *a, const int8_t *b, uint32_t *to, int32_t fours)
{
    for (; fours > 0; --fours) {
        const uint32_t first = eb_load_word(a);
        const uint32_t second = eb_load_word(b);
        to[0] = eb_sxtb16(first);
        to[1] = eb_sxtb16(second);
        to[2] = eb_sxtb16_ror8(first);
        to[3] = eb_sxtb16_ror8(second);
        a += 4;
        b += 4;
        to += 4;
    }
    return to;
}

/* The output value of twice a sum without its bias; goes on to the next channel. */
static inline void eb_tile_scale(eb_tile *t, int is_once, int32_t twice, int8_t *out)
{
    const int32_t *scale = t->once != NULL ? t->once : t->requant + 1;
    const int32_t sum = eb_add_wrap(twice, t->requant[0]);
    const int64_t half = is_once ? 0 : (int64_t)1 << 31;
    const int32_t product = (int32_t)(((int64_t)sum * scale[0] + half) >> 32);
    const int32_t away = is_once || !t->is_signed ? 0 : sum >> 31;
    const int32_t low = (int8_t)(t->low & 0xffu);
    const int32_t high = (int8_t)(t->high & 0xffu);
    *out = (int8_t)eb_clamp((product + scale[1] + away) >> scale[2], low, high);
    t->requant += t->once != NULL ? 1 : 4;
}

/* Stores the outputs of a pixel, of so many bits each. */
static inline void
eb_tile_store(const eb_tile *t, int32_t pixel, const int8_t *outputs, int32_t bits)
{
    uint8_t *to = (uint8_t *)t->out + pixel * t->out_stride;
    uint32_t word = 0;
    for (int32_t k = 0; k < 4; ++k) {
        word |= ((uint32_t)outputs[k] & 0xffu) << bits * k;
    }
    if (bits == 1 && (t->quads & 1) != 0) { /* behind those in the lower half of the byte */
        word = to[0] | word << 4;
    }
    to[0] = (uint8_t)word;
    for (int32_t k = 1; 2 * k < bits; ++k) {
        to[k] = (uint8_t)(word >> 8 * k);
    }
}

/* Goes on with the next four channels. */
static inline void eb_tile_next(eb_tile *t, int32_t bits)
{
    t->out += bits == 1 ? t->quads & 1 : bits / 2;
    --t->quads;
}

static inline void eb_tile_4x2_rounded(eb_tile *t, int is_once, int32_t bits)
{
    const int32_t pairs = t->weight_bytes / 8;
    for (; t->quads > 0; eb_tile_next(t, bits)) {
        int8_t outputs[2][4];
        for (int32_t half = 0; half < 2; ++half) {
            const uint32_t *values = (const uint32_t *)t->values;
            int32_t raw[2] = {0, 0};
            int32_t sum[2] = {0, 0};
            for (int32_t i = 0; i < pairs; ++i) {
                const uint32_t word = t->weights[2 * i + half];
                for (int32_t pixel = 0; pixel < 2; ++pixel) {
                    raw[pixel] = eb_smlad(word, values[2 * i + pixel], raw[pixel]);
                    sum[pixel] = eb_smlad(eb_sxtb16(word), values[2 * i + pixel], sum[pixel]);
                }
            }
            const int32_t *requant = t->requant;
            for (int32_t pixel = 0; pixel < 2; ++pixel) {
                int8_t *out = outputs[pixel] + 2 * half;
                t->requant = requant;
                eb_tile_scale(t, is_once, (raw[pixel] - sum[pixel]) >> 7, out);
                eb_tile_scale(t, is_once, sum[pixel] * 2, out + 1);
            }
        }
        eb_tile_store(t, 0, outputs[0], bits);
        eb_tile_store(t, 1, outputs[1], bits);
        t->weights += 2 * pairs;
    }
}

EB_KERNEL void eb_tile_4x2(eb_tile *t)
{
    eb_tile_4x2_rounded(t, 0, 8);
}

EB_KERNEL void eb_tile_4x2_once(eb_tile *t)
{
    eb_tile_4x2_rounded(t, 1, 8);
}

static inline void eb_tile_4x1_rounded(eb_tile *t, int is_once, int32_t bits)
{
    const int32_t fours = t->weight_bytes / 16;
    for (; t->quads > 0; eb_tile_next(t, bits)) {
        int8_t outputs[4];
        for (int32_t half = 0; half < 2; ++half) {
            const int8_t *values = (const int8_t *)t->values;
            int32_t raw = 0;
            int32_t sum = 0;
            for (int32_t i = 0; i < fours; ++i) {
                const uint32_t even = t->weights[4 * i + half];
                const uint32_t odd = t->weights[4 * i + 2 + half];
                const uint32_t value = eb_load_word(values + 4 * i);
                raw = eb_smlad(even, eb_sxtb16(value), raw);
                raw = eb_smlad(odd, eb_sxtb16_ror8(value), raw);
                sum = eb_smlad(eb_sxtb16(even), eb_sxtb16(value), sum);
                sum = eb_smlad(eb_sxtb16(odd), eb_sxtb16_ror8(value), sum);
            }
            eb_tile_scale(t, is_once, (raw - sum) >> 7, outputs + 2 * half);
            eb_tile_scale(t, is_once, sum * 2, outputs + 2 * half + 1);
        }
        eb_tile_store(t, 0, outputs, bits);
        t->weights += 4 * fours;
    }
}

EB_KERNEL void eb_tile_4x1(eb_tile *t)
{
    eb_tile_4x1_rounded(t, t->once != NULL, 8);
}

EB_KERNEL void eb_tile_4x1_long(eb_tile *t)
{
    eb_tile_4x1_rounded(t, 1, 8);
}

EB_KERNEL void eb_tile_4x1_once(eb_tile *t)
{
    eb_tile_4x1_rounded(t, 1, 8);
}

/* The same with outputs of few bits, stored with STORED bits: see eb_tile_bits_arm.h. */
#define EB_TILES_TO(BITS, STORED)                                                                  \
    EB_KERNEL void eb_tile_4x2_to_##BITS(eb_tile *t)                                               \
    {                                                                                              \
        eb_tile_4x2_rounded(t, 0, STORED);                                                         \
    }                                                                                              \
    EB_KERNEL void eb_tile_4x1_to_##BITS(eb_tile *t)                                               \
    {                                                                                              \
        eb_tile_4x1_rounded(t, 0, STORED);                                                         \
    }

EB_TILES_TO(4, 4)
EB_TILES_TO(3, 4)
EB_TILES_TO(2, 2)
EB_TILES_TO(1, 1)

#endif /* EB_TILE_S8_TWIN_H */
