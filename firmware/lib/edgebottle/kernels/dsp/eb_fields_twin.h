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

/* Writes the output of a pixel and channel: as a byte, or as 4 bits. */
static inline void
eb_fields_write(const eb_fields_tile *t, int32_t code, int32_t channel, int is_nibbles, int8_t *to)
{
    if (!is_nibbles) {
        to[channel] = (int8_t)(code + t->low);
    } else if ((channel & 1) == 0) {
        to[channel / 2] = (int8_t)code;
    } else {
        to[channel / 2] = (int8_t)(uint8_t)((uint8_t)to[channel / 2] | (uint32_t)code << 4);
    }
}

/* The tiles of all channels; is_half: of two pixels; six, of three channels at a time; is_nibbles:
 * outputs have 4 bits. */
static inline void eb_fields_sum(eb_fields_tile *t,
                                 const uint8_t *places,
                                 int32_t taps,
                                 uint32_t mask,
                                 int32_t deep,
                                 int32_t is_half,
                                 int32_t is_six,
                                 int32_t output_bits,
                                 int is_nibbles)
{
    const int32_t pixels = is_half ? 2 : 4;
    const int32_t channels = is_six ? 3 : 2;
    int32_t channel = 0;
    while (t->channels > 0) {
        eb_fields_add(t, places, taps, mask, deep, pixels / 2, 2 * channels, is_six ? 10 : 14);
        for (int32_t k = 0; k < channels && t->channels > 0; ++k) {
            int8_t *to = t->out;
            for (int32_t pixel = 0; pixel < pixels; ++pixel) {
                const int32_t lane = is_six ? pixel % 2 * 3 + k : pixel % 2 + 2 * k;
                const uint32_t total = t->totals[pixel / 2 * 2 * channels + lane];
                const int32_t base = eb_add_wrap(t->base[pixel], t->requant[0]);
                const int32_t twice = eb_add_wrap(base, (int32_t)total * t->twice_step);
                const int32_t product = eb_high_product(twice, t->requant[1], t->requant[2]);
                const int32_t code = (product + (twice >> 31)) >> t->requant[3];
                const int32_t most = (1 << output_bits) - 1;
                eb_fields_write(t, eb_clamp(code, 0, most), channel, is_nibbles, to);
                to += pixel + 2 == pixels ? t->last_stride : t->stride;
            }
            t->requant += 4;
            ++channel;
            --t->channels;
        }
    }
}

#define EB_FIELDS_TILE(NAME, MASK, DEEP, IS_SIX, OUTPUT_BITS, IS_NIBBLES, TAPS, ...)               \
    EB_KERNEL void NAME##OUTPUT_BITS(eb_fields_tile *t)                                            \
    {                                                                                              \
        static const uint8_t places[TAPS] = {__VA_ARGS__};                                         \
        eb_fields_sum(t, places, TAPS, MASK, DEEP, 0, IS_SIX, OUTPUT_BITS, IS_NIBBLES);            \
    }
#define EB_FIELDS_HALF_TILE(NAME, MASK, DEEP, IS_SIX, OUTPUT_BITS, IS_NIBBLES, TAPS, ...)          \
    EB_KERNEL void NAME##OUTPUT_BITS(eb_fields_tile *t)                                            \
    {                                                                                              \
        static const uint8_t places[TAPS] = {__VA_ARGS__};                                         \
        eb_fields_sum(t, places, TAPS, MASK, DEEP, 1, IS_SIX, OUTPUT_BITS, IS_NIBBLES);            \
    }
#define EB_FIELDS_SIX_2(TILE, NAME, BITS, IS_NIBBLES)                                              \
    TILE(NAME, 0x00300c03u, 20, 1, BITS, IS_NIBBLES, 5, 0, 2, 4, 6, 8)
#define EB_FIELDS_FOUR_2(TILE, NAME, BITS, IS_NIBBLES)                                             \
    TILE(NAME, 0x30000003u, 8, 0, BITS, IS_NIBBLES, 8, 4, 6, 12, 14, 20, 22, 28, 30)
#define EB_FIELDS_FOUR_4(TILE, NAME, BITS, IS_NIBBLES)                                             \
    TILE(NAME, 0xf000000fu, 16, 0, BITS, IS_NIBBLES, 4, 4, 12, 20, 28)

#define EB_FIELDS_TILES(BITS)                                                                      \
    EB_FIELDS_SIX_2(EB_FIELDS_TILE, eb_fields_six_2_to_, BITS, 0)                                  \
    EB_FIELDS_SIX_2(EB_FIELDS_HALF_TILE, eb_fields_six_2_half_to_, BITS, 0)                        \
    EB_FIELDS_FOUR_2(EB_FIELDS_TILE, eb_fields_four_2_to_, BITS, 0)                                \
    EB_FIELDS_FOUR_2(EB_FIELDS_HALF_TILE, eb_fields_four_2_half_to_, BITS, 0)                      \
    EB_FIELDS_FOUR_4(EB_FIELDS_TILE, eb_fields_four_4_to_, BITS, 0)                                \
    EB_FIELDS_FOUR_4(EB_FIELDS_HALF_TILE, eb_fields_four_4_half_to_, BITS, 0)                      \
    EB_FIELDS_FOUR_2(EB_FIELDS_TILE, eb_fields_four_2_once_to_, BITS, 0)                           \
    EB_FIELDS_FOUR_2(EB_FIELDS_HALF_TILE, eb_fields_four_2_once_half_to_, BITS, 0)                 \
    EB_FIELDS_FOUR_4(EB_FIELDS_TILE, eb_fields_four_4_once_to_, BITS, 0)                           \
    EB_FIELDS_FOUR_4(EB_FIELDS_HALF_TILE, eb_fields_four_4_once_half_to_, BITS, 0)

EB_FIELDS_TILES(1)
EB_FIELDS_TILES(2)
EB_FIELDS_TILES(3)
EB_FIELDS_TILES(4)
EB_FIELDS_TILES(8)

/* Outputs of 4 bits: see eb_fields_nibbles_arm.h. */
#define EB_FIELDS_NIBBLES_TILES(BITS)                                                              \
    EB_FIELDS_FOUR_2(EB_FIELDS_TILE, eb_fields_four_2_nibbles_, BITS, 1)                           \
    EB_FIELDS_FOUR_2(EB_FIELDS_HALF_TILE, eb_fields_four_2_half_nibbles_, BITS, 1)                 \
    EB_FIELDS_FOUR_4(EB_FIELDS_TILE, eb_fields_four_4_nibbles_, BITS, 1)                           \
    EB_FIELDS_FOUR_4(EB_FIELDS_HALF_TILE, eb_fields_four_4_half_nibbles_, BITS, 1)                 \
    EB_FIELDS_FOUR_2(EB_FIELDS_TILE, eb_fields_four_2_once_nibbles_, BITS, 1)                      \
    EB_FIELDS_FOUR_2(EB_FIELDS_HALF_TILE, eb_fields_four_2_once_half_nibbles_, BITS, 1)            \
    EB_FIELDS_FOUR_4(EB_FIELDS_TILE, eb_fields_four_4_once_nibbles_, BITS, 1)                      \
    EB_FIELDS_FOUR_4(EB_FIELDS_HALF_TILE, eb_fields_four_4_once_half_nibbles_, BITS, 1)

EB_FIELDS_NIBBLES_TILES(4)
EB_FIELDS_NIBBLES_TILES(3)

#endif /* EB_FIELDS_TWIN_H */
