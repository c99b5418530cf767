/* The tiles of eb_fields.h in C: the same sums of fields, from the same words. */
#ifndef EB_FIELDS_TWIN_H
#define EB_FIELDS_TWIN_H

/* `value` limited to 0 .. 2^bits - 1. */
#define EB_USAT(BITS, value) eb_clamp((value), 0, (1 << (BITS)) - 1)

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

#define EB_FIELDS_TILES(NAME, MASK, DEEP, COUNT, BITS, TAPS, ...)                                  \
    EB_KERNEL void eb_fields_##NAME(eb_fields_tile *t)                                             \
    {                                                                                              \
        static const uint8_t places[TAPS] = {__VA_ARGS__};                                         \
        eb_fields_add(t, places, TAPS, MASK, DEEP, 2, COUNT, BITS);                                \
    }                                                                                              \
    EB_KERNEL void eb_fields_##NAME##_half(eb_fields_tile *t)                                      \
    {                                                                                              \
        static const uint8_t places[TAPS] = {__VA_ARGS__};                                         \
        eb_fields_add(t, places, TAPS, MASK, DEEP, 1, COUNT, BITS);                                \
    }

EB_FIELDS_TILES(six_2, 0x00300c03u, 20, 6, 10, 5, 0, 2, 4, 6, 8)
EB_FIELDS_TILES(four_2, 0x30000003u, 8, 4, 14, 8, 4, 6, 12, 14, 20, 22, 28, 30)
EB_FIELDS_TILES(four_4, 0xf000000fu, 16, 4, 14, 4, 4, 12, 20, 28)

#endif /* EB_FIELDS_TWIN_H */
