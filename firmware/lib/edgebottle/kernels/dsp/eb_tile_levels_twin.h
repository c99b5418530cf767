/* The tiles of eb_tile_levels.h in C: the same sums, which wrap, from the same words. */
#ifndef EB_TILE_LEVELS_TWIN_H
#define EB_TILE_LEVELS_TWIN_H

/* The sums of eb_widen_2's words of two pixels. */
static inline void eb_sum_wide_2(const uint32_t *values, int32_t fours, int32_t *sums)
{
    sums[0] = sums[1] = 0;
    for (int32_t i = 0; i < 2 * fours; ++i) {
        sums[0] = eb_smlad(values[2 * i], 0x00010001u, sums[0]);
        sums[1] = eb_smlad(values[2 * i + 1], 0x00010001u, sums[1]);
    }
}

/* eb_widen_2 and eb_sum_wide_2 at once. */
static inline void
eb_widen_sum_2(const int8_t *a, const int8_t *b, uint32_t *to, int32_t fours, int32_t *sums)
{
    (void)eb_widen_2(a, b, to, fours);
    eb_sum_wide_2(to, fours, sums);
}

/* Fours of bytes of a pixel become the words of taps 0 and 2, and of 1 and 3; returns their sum. */
static inline int32_t eb_widen_sum_1(const int8_t *from, uint32_t *to, int32_t fours)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < fours; ++i) {
        const uint32_t word = eb_load_word(from + 4 * i);
        to[2 * i] = eb_sxtb16(word);
        to[2 * i + 1] = eb_sxtb16_ror8(word);
        sum = eb_smlad(to[2 * i], 0x00010001u, sum);
        sum = eb_smlad(to[2 * i + 1], 0x00010001u, sum);
    }
    return sum;
}

/* The lanes of 4 bits of taps 0 and 2 (pair: 0), or 1 and 3 (1), of the four taps number `four`,
 * for the four sums of a pixel: with the codes of channel 0, of 0 and 1, and so on. */
static inline void
eb_levels_add_4(const uint32_t *weights, int32_t index, uint32_t values, uint32_t *sums)
{
    for (int32_t k = 0; k < 4; ++k) {
        const uint32_t mask = (((uint32_t)1 << 4 * (k + 1)) - 1u) * 0x00010001u;
        sums[k] += (uint32_t)eb_smlad(weights[index] & mask, values, 0);
    }
}

/* The sums of 4 bits of a pixel, whose words lie `apart` words apart, and what makes them outputs
 * of channels: their places. start: NULL, or every other one is what a sum begins with. */
static inline void eb_levels_sum_4(const eb_tile *tile,
                                   const uint32_t *values,
                                   int32_t apart,
                                   const uint32_t *start,
                                   int32_t *sums)
{
    uint32_t raw[4] = {0};
    for (int32_t k = 0; start != NULL && k < 4; ++k) {
        raw[k] = start[2 * k];
    }
    for (int32_t i = 0; i < tile->weight_bytes / 4; ++i) {
        eb_levels_add_4(tile->weights, i, values[i * apart], raw);
    }
    for (int32_t k = 0; k < 4; ++k) {
        sums[k] = (int32_t)(raw[k] - (k > 0 ? raw[k - 1] : 0u)) >> 4 * k;
    }
}

/* The same of 2 or 1 bits, whose second and fourth channels are in the highest bits of lanes. */
static inline void eb_levels_sum_pairs(
    const eb_tile_levels *t, const uint32_t *values, int32_t apart, int32_t bits, int32_t *sums)
{
    const uint32_t words = (uint32_t)t->tile.weight_bytes / 4u;
    const int32_t places = 16 - bits;
    const uint32_t mask = (((1u << bits) - 1u) << places | ((1u << bits) - 1u)) * 0x00010001u;
    const int32_t steps = 4 / bits;
    uint32_t end = t->first;
    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    for (uint32_t i = 0; i < words; end += t->run) {
        int32_t both[2] = {1 << (places - 1), 1 << (places - 1)};
        for (; i < end; ++i) {
            for (int32_t k = 0; k < 2 * steps; ++k) {
                const int32_t place = 2 * bits * k;
                const uint32_t word = t->tile.weights[i];
                const uint32_t codes = place == 0 ? word : word >> place | word << (32 - place);
                both[k & 1] = eb_smlad(codes & mask, *values, both[k & 1]);
                values += (k & 1) * apart;
            }
        }
        for (int32_t k = 0; k < 2; ++k) {
            sums[2 * k] += (int32_t)((uint32_t)both[k] & ((1u << places) - 1u));
            sums[2 * k + 1] += both[k] >> places;
        }
    }
}

/* The outputs of a pixel for four channels; is_pair: one of two; is_whole: see the header; stored:
 * bits of each output. */
static inline void eb_levels_finish(eb_tile_levels *t,
                                    int32_t bits,
                                    int is_pair,
                                    int32_t pixel,
                                    int is_once,
                                    int is_whole,
                                    int32_t stored)
{
    int8_t outputs[4];
    eb_tile *tile = &t->tile;
    const uint32_t *values = (const uint32_t *)tile->values + pixel;
    const int32_t apart = is_pair ? 2 : 1;
    int32_t sums[4];
    if (bits == 4) {
        const uint32_t in_order[8] = {t->totals[0], 0, t->totals[2], 0,
                                      t->totals[1], 0, t->totals[3], 0};
        const uint32_t *start = is_pair ? t->totals + pixel : in_order;
        eb_levels_sum_4(tile, values, apart, is_whole ? start : NULL, sums);
    } else {
        eb_levels_sum_pairs(t, values, apart, bits, sums);
    }
    for (int32_t k = 0; k < 4; ++k) {
        const int is_signed = bits == 4 ? k == 3 : k & 1;
        const uint32_t base = is_whole ? 0 : (uint32_t)t->base[is_signed ? 2 + pixel : pixel];
        const uint32_t twice = (uint32_t)sums[k] * (uint32_t)t->twice_step + base;
        eb_tile_scale(tile, is_once, (int32_t)twice, outputs + k);
    }
    eb_tile_store(tile, pixel, outputs, stored);
}

/* All channels of one pixel or two. */
static inline void
eb_levels_tile(eb_tile *tile, int32_t bits, int is_pair, int is_once, int is_whole, int32_t stored)
{
    eb_tile_levels *t = (eb_tile_levels *)(void *)tile;
    for (; tile->quads > 0; eb_tile_next(tile, stored)) {
        const int32_t *requant = tile->requant;
        for (int32_t pixel = 0; pixel <= is_pair; ++pixel) {
            tile->requant = requant;
            eb_levels_finish(t, bits, is_pair, pixel, is_once, is_whole, stored);
        }
        tile->weights += tile->weight_bytes / 4;
    }
}

#define EB_LEVELS_TILES(BITS)                                                                      \
    EB_KERNEL void eb_tile_levels_##BITS##_4x2(eb_tile *t)                                         \
    {                                                                                              \
        eb_levels_tile(t, BITS, 1, 0, 0, 8);                                                       \
    }                                                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1(eb_tile *t)                                         \
    {                                                                                              \
        eb_levels_tile(t, BITS, 0, t->once != NULL, 0, 8);                                         \
    }                                                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1_once(eb_tile *t)                                    \
    {                                                                                              \
        eb_levels_tile(t, BITS, 0, 1, 0, 8);                                                       \
    }

EB_LEVELS_TILES(4)
EB_LEVELS_TILES(2)
EB_LEVELS_TILES(1)

EB_KERNEL void eb_tile_levels_4_4x1_once_whole(eb_tile *t)
{
    eb_levels_tile(t, 4, 0, 1, 1, 8);
}

EB_KERNEL void eb_tile_levels_4_4x2_whole(eb_tile *t)
{
    eb_levels_tile(t, 4, 1, 0, 1, 8);
}

/* The same with outputs of OUT bits, stored with STORED bits. */
#define EB_LEVELS_TILES_TO(BITS, OUT, STORED)                                                      \
    EB_KERNEL void eb_tile_levels_##BITS##_4x2_to_##OUT(eb_tile *t)                                \
    {                                                                                              \
        eb_levels_tile(t, BITS, 1, 0, 0, STORED);                                                  \
    }                                                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1_to_##OUT(eb_tile *t)                                \
    {                                                                                              \
        eb_levels_tile(t, BITS, 0, 0, 0, STORED);                                                  \
    }
#define EB_LEVELS_ALL_TILES_TO(OUT, STORED)                                                        \
    EB_LEVELS_TILES_TO(4, OUT, STORED)                                                             \
    EB_LEVELS_TILES_TO(2, OUT, STORED)                                                             \
    EB_LEVELS_TILES_TO(1, OUT, STORED)                                                             \
    EB_KERNEL void eb_tile_levels_4_4x2_whole_to_##OUT(eb_tile *t)                                 \
    {                                                                                              \
        eb_levels_tile(t, 4, 1, 0, 1, STORED);                                                     \
    }

EB_LEVELS_ALL_TILES_TO(4, 4)
EB_LEVELS_ALL_TILES_TO(3, 4)
EB_LEVELS_ALL_TILES_TO(2, 2)
EB_LEVELS_ALL_TILES_TO(1, 1)

#endif /* EB_TILE_LEVELS_TWIN_H */
