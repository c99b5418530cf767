/* The tiles of eb_fields.h in C: the same sums of fields, from the same words. */
#ifndef EB_FIELDS_TWIN_H
#define EB_FIELDS_TWIN_H

/* The high word of a * b + added * 2^32, rounded half up. */
static inline int32_t eb_high_product(int32_t a, int32_t b, int32_t added)
{
    return added + (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

/* sum + the four bytes of a word. */
static inline uint32_t eb_sum_of_bytes(uint32_t word, uint32_t sum)
{
    const uint32_t pairs = (word & 0x00ff00ffu) + ((word >> 8) & 0x00ff00ffu);
    return sum + (pairs & 0xffffu) + (pairs >> 16);
}

/* A tap of two or three channels, from the word of weights that holds it. */
static inline uint64_t eb_fields_weight(uint32_t word, int32_t place, uint32_t mask)
{
    return (place == 0 ? word : word >> place | word << (32 - place)) & mask;
}

/* `places`: how far words of weights are rotated for each of their taps; deep: words before fields
 * are added to totals; wide: words of values for each tap; count, bits: of the fields. */
static inline void eb_fields_add(eb_fields_tile *t,
                                 const uint8_t *places,
                                 int32_t taps,
                                 uint32_t mask,
                                 int32_t deep,
                                 int32_t wide,
                                 int32_t count,
                                 int32_t bits)
{
    const int32_t words = (int32_t)t->weight_bytes / 4;
    const uint64_t field = ((uint64_t)1 << bits) - 1u;
    for (int32_t k = 0; k < 12; ++k) {
        t->totals[k] = 0;
    }
    for (int32_t first = 0; first < words; first += deep) {
        uint64_t sums[2] = {0, 0};
        for (int32_t i = first; i < eb_min(first + deep, words); ++i) {
            for (int32_t tap = 0; tap < taps; ++tap) {
                const uint64_t weight = eb_fields_weight(t->weights[i], places[tap], mask);
                for (int32_t k = 0; k < wide; ++k) {
                    sums[k] += weight * t->values[(i * taps + tap) * wide + k];
                }
            }
        }
        for (int32_t k = 0; k < 2 * count; ++k) {
            t->totals[k] += (uint32_t)((sums[k / count] >> k % count * bits) & field);
        }
    }
    t->weights += words;
}

/* The tiles of all channels; is_half: of two pixels; six, of three channels at a time. */
static inline void eb_fields_sum(eb_fields_tile *t,
                                 const uint8_t *places,
                                 int32_t taps,
                                 uint32_t mask,
                                 int32_t deep,
                                 int32_t is_half,
                                 int32_t is_six,
                                 int32_t output_bits)
{
    const int32_t pixels = is_half ? 2 : 4;
    const int32_t channels = is_six ? 3 : 2;
    while (t->channels > 0) {
        eb_fields_add(t, places, taps, mask, deep, pixels / 2, 2 * channels, is_six ? 10 : 14);
        for (int32_t k = 0; k < channels && t->channels > 0; ++k) {
            int8_t *to = t->out++;
            for (int32_t pixel = 0; pixel < pixels; ++pixel) {
                const int32_t lane = is_six ? pixel % 2 * 3 + k : pixel % 2 + 2 * k;
                const uint32_t total = t->totals[pixel / 2 * 2 * channels + lane];
                const int32_t base = eb_add_wrap(t->base[pixel], t->requant[0]);
                const int32_t twice = eb_add_wrap(base, (int32_t)total * t->twice_step);
                const int32_t product = eb_high_product(twice, t->requant[1], t->requant[2]);
                const int32_t code = (product + (twice >> 31)) >> t->requant[3];
                *to = (int8_t)(eb_clamp(code, 0, (1 << output_bits) - 1) + t->low);
                to += pixel + 2 == pixels ? t->last_stride : t->stride;
            }
            t->requant += 4;
            --t->channels;
        }
    }
}

#define EB_FIELDS_TILE(NAME, MASK, DEEP, IS_SIX, OUTPUT_BITS, TAPS, ...)                           \
    EB_KERNEL void eb_fields_##NAME##_to_##OUTPUT_BITS(eb_fields_tile *t)                          \
    {                                                                                              \
        static const uint8_t places[TAPS] = {__VA_ARGS__};                                         \
        eb_fields_sum(t, places, TAPS, MASK, DEEP, 0, IS_SIX, OUTPUT_BITS);                        \
    }                                                                                              \
    EB_KERNEL void eb_fields_##NAME##_half_to_##OUTPUT_BITS(eb_fields_tile *t)                     \
    {                                                                                              \
        static const uint8_t places[TAPS] = {__VA_ARGS__};                                         \
        eb_fields_sum(t, places, TAPS, MASK, DEEP, 1, IS_SIX, OUTPUT_BITS);                        \
    }
#define EB_FIELDS_TILES(OUTPUT_BITS)                                                               \
    EB_FIELDS_TILE(six_2, 0x00300c03u, 20, 1, OUTPUT_BITS, 5, 0, 2, 4, 6, 8)                       \
    EB_FIELDS_TILE(four_2, 0x30000003u, 8, 0, OUTPUT_BITS, 8, 4, 6, 12, 14, 20, 22, 28, 30)        \
    EB_FIELDS_TILE(four_4, 0xf000000fu, 16, 0, OUTPUT_BITS, 4, 4, 12, 20, 28)

EB_FIELDS_TILES(1)
EB_FIELDS_TILES(2)
EB_FIELDS_TILES(3)
EB_FIELDS_TILES(4)
EB_FIELDS_TILES(8)

#endif /* EB_FIELDS_TWIN_H */
