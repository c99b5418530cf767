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

/* The lanes of taps 0 and 2 (pair: 0), or 1 and 3 (1), of the four taps number `four`. */
static inline uint32_t
eb_levels_lanes(const uint32_t *weights, int32_t four, int32_t pair, int32_t bits)
{
    if (bits == 4) {
        return weights[2 * four + pair];
    }
    if (bits == 2) {
        return (weights[four] >> 8 * pair) & 0x00ff00ffu;
    }
    return (weights[four / 2] >> (8 * (four & 1) + 4 * pair)) & 0x000f000fu;
}

/* The four sums of a pixel: with the codes of channel 0, of 0 and 1, and so on. */
static inline void eb_levels_add(uint32_t lanes, uint32_t values, int32_t bits, uint32_t *sums)
{
    for (int32_t k = 0; k < 4; ++k) {
        const uint32_t mask = (((uint32_t)1 << bits * (k + 1)) - 1u) * 0x00010001u;
        sums[k] += (uint32_t)eb_smlad(lanes & mask, values, 0);
    }
}

/* The sums apart, and the outputs of a pixel. */
static inline void
eb_levels_finish(eb_tile_levels *t, int32_t bits, int32_t pixel, int is_once, uint32_t *sums)
{
    eb_tile *tile = &t->tile;
    for (int32_t k = 3; k > 0; --k) {
        sums[k] -= sums[k - 1];
    }
    for (int32_t k = 0; k < 4; ++k) {
        const int32_t base = t->base[k < 3 ? pixel : 2 + pixel];
        const int32_t sum = (int32_t)sums[k] >> k * bits;
        const uint32_t twice = (uint32_t)sum * (uint32_t)t->twice_step + (uint32_t)base;
        eb_tile_scale(tile, is_once, (int32_t)twice, tile->out + pixel * tile->out_stride + k);
    }
}

static inline void eb_levels_4x2(eb_tile *tile, int32_t bits, int is_once)
{
    eb_tile_levels *t = (eb_tile_levels *)(void *)tile;
    const int32_t fours = tile->weight_bytes / (2 * bits);
    for (; tile->quads > 0; --tile->quads) {
        const uint32_t *values = (const uint32_t *)tile->values;
        const int32_t *requant = tile->requant;
        uint32_t sums[2][4] = {{0}};
        for (int32_t i = 0; i < 2 * fours; ++i) {
            const uint32_t lanes = eb_levels_lanes(tile->weights, i / 2, i & 1, bits);
            eb_levels_add(lanes, values[2 * i], bits, sums[0]);
            eb_levels_add(lanes, values[2 * i + 1], bits, sums[1]);
        }
        eb_levels_finish(t, bits, 0, is_once, sums[0]);
        tile->requant = requant;
        eb_levels_finish(t, bits, 1, is_once, sums[1]);
        tile->weights += tile->weight_bytes / 4;
        tile->out += 4;
    }
}

static inline void eb_levels_4x1(eb_tile *tile, int32_t bits, int is_once)
{
    eb_tile_levels *t = (eb_tile_levels *)(void *)tile;
    const int32_t fours = tile->weight_bytes / (2 * bits);
    for (; tile->quads > 0; --tile->quads) {
        const uint32_t *values = (const uint32_t *)tile->values;
        uint32_t sums[4] = {0};
        for (int32_t i = 0; i < 2 * fours; ++i) {
            const uint32_t lanes = eb_levels_lanes(tile->weights, i / 2, i & 1, bits);
            eb_levels_add(lanes, values[i], bits, sums);
        }
        eb_levels_finish(t, bits, 0, is_once, sums);
        tile->weights += tile->weight_bytes / 4;
        tile->out += 4;
    }
}

#define EB_LEVELS_TILES(BITS)                                                                      \
    EB_KERNEL void eb_tile_levels_##BITS##_4x2(eb_tile *t)                                         \
    {                                                                                              \
        eb_levels_4x2(t, BITS, 0);                                                                 \
    }                                                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x2_once(eb_tile *t)                                    \
    {                                                                                              \
        eb_levels_4x2(t, BITS, 1);                                                                 \
    }                                                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1(eb_tile *t)                                         \
    {                                                                                              \
        eb_levels_4x1(t, BITS, t->once != NULL);                                                   \
    }                                                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1_once(eb_tile *t)                                    \
    {                                                                                              \
        eb_levels_4x1(t, BITS, 1);                                                                 \
    }

EB_LEVELS_TILES(4)
EB_LEVELS_TILES(2)
EB_LEVELS_TILES(1)

#endif /* EB_TILE_LEVELS_TWIN_H */
