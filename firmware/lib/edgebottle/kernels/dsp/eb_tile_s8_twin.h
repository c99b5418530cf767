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

static inline void eb_tile_4x2_rounded(eb_tile *t, int is_once)
{
    const int32_t pairs = t->weight_bytes / 8;
    for (; t->quads > 0; --t->quads) {
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
                int8_t *out = t->out + pixel * t->out_stride;
                t->requant = requant;
                eb_tile_scale(t, is_once, (raw[pixel] - sum[pixel]) >> 7, out);
                eb_tile_scale(t, is_once, sum[pixel] * 2, out + 1);
            }
            t->out += 2;
        }
        t->weights += 2 * pairs;
    }
}

EB_KERNEL void eb_tile_4x2(eb_tile *t)
{
    eb_tile_4x2_rounded(t, 0);
}

EB_KERNEL void eb_tile_4x2_once(eb_tile *t)
{
    eb_tile_4x2_rounded(t, 1);
}

static inline void eb_tile_4x1_rounded(eb_tile *t, int is_once)
{
    const int32_t fours = t->weight_bytes / 16;
    for (; t->quads > 0; --t->quads) {
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
            eb_tile_scale(t, is_once, (raw - sum) >> 7, t->out);
            eb_tile_scale(t, is_once, sum * 2, t->out + 1);
            t->out += 2;
        }
        t->weights += 4 * fours;
    }
}

EB_KERNEL void eb_tile_4x1(eb_tile *t)
{
    eb_tile_4x1_rounded(t, t->once != NULL);
}

EB_KERNEL void eb_tile_4x1_once(eb_tile *t)
{
    eb_tile_4x1_rounded(t, 1);
}

#endif /* EB_TILE_S8_TWIN_H */
