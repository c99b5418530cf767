/* Sums of products of weights of 1 or 2 bits, by tables of what four bits of weights can give.
 *
 * A code of four bits is the weights of four taps (1 bit each) or of two (2 bits). A word holds the
 * values of a tap in several pixels: a byte for each of four, or 16 bits for each of two. The table
 * of a code is what its taps sum up to in each of the 16 cases: so one load and one addition take
 * the place of 16, 8 or 4 multiplications and additions. Tables are made once for all channels.
 * Fields never carry over: edgebottle/ops/code_tables.py says after how many codes they are
 * emptied.
 */
#ifndef EB_TABLES_S8_H
#define EB_TABLES_S8_H

#include "eb_scale_s8.h"

#define EB_TABLE_WORDS 16
#define EB_TABLE_CODES 8 /* in a word of weights */
#define EB_TABLE_CHANNELS 4

/* Codes of a run, times all channels. */
typedef struct {
    const uint32_t *tables;  /* one after the other */
    const uint32_t *weights; /* fours of channels x words x 4 */
    uint32_t *sums;          /* two words for each channel: of the lower and of the higher fields */
    const uint32_t *end;     /* of the sums */
    int32_t words;           /* of a channel; >= 1 */
    int32_t skip;            /* codes of the first word, the lowest, that are not there: 0 .. 7 */
    uint32_t mask;           /* of the lower fields */
    int32_t shift;           /* bits of a field: 8 or 16 */
} eb_table_part;

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_7M__)
#include "eb_tables_s8_thumb.h"
#include "eb_products_s8_thumb.h"
#elif defined(__riscv) && __riscv_xlen == 32
#include "eb_tables_s8_riscv.h"
#include "eb_products_s8_riscv.h"
#else
/* Adds to the sums what the tables have for the codes of each channel; moves sums to their end. */
EB_KERNEL void eb_table_sums(eb_table_part *run)
{
    const uint32_t *weights = run->weights;
    for (; run->sums != run->end; run->sums += 2 * EB_TABLE_CHANNELS) {
        uint32_t total[EB_TABLE_CHANNELS] = {0};
        const uint32_t *table = run->tables;
        int32_t code = run->skip;
        for (int32_t word = 0; word < run->words; ++word) {
            for (; code < EB_TABLE_CODES; ++code) {
                for (int32_t k = 0; k < EB_TABLE_CHANNELS; ++k) {
                    total[k] += table[weights[k] >> 4 * code & 15u];
                }
                table += EB_TABLE_WORDS;
            }
            code = 0;
            weights += EB_TABLE_CHANNELS;
        }
        for (int32_t k = 0; k < EB_TABLE_CHANNELS; ++k) {
            run->sums[2 * k] += total[k] & run->mask;
            run->sums[2 * k + 1] += total[k] >> run->shift & run->mask;
        }
    }
}

/* The same for weights of 4 bits: the products of values and what is left of a word when the codes
 * below are shifted out. The codes above take part in them; eb_tables_4_8 makes up for that.
 */
EB_KERNEL void eb_product_sums(eb_table_part *run)
{
    const uint32_t *weights = run->weights;
    for (; run->sums != run->end; run->sums += 2 * EB_TABLE_CHANNELS) {
        uint32_t total[EB_TABLE_CHANNELS] = {0};
        const uint32_t *value = run->tables;
        int32_t code = run->skip;
        for (int32_t word = 0; word < run->words; ++word) {
            for (; code < EB_TABLE_CODES; ++code) {
                for (int32_t k = 0; k < EB_TABLE_CHANNELS; ++k) {
                    total[k] += (weights[k] >> 4 * code) * *value;
                }
                ++value;
            }
            code = 0;
            weights += EB_TABLE_CHANNELS;
        }
        for (int32_t k = 0; k < EB_TABLE_CHANNELS; ++k) {
            run->sums[2 * k] += total[k] & run->mask;
            run->sums[2 * k + 1] += total[k] >> run->shift & run->mask;
        }
    }
}
#endif

/* The table of two taps, whose weights of 2 bits lie lowest first. */
static inline void eb_table_of_2(uint32_t *to, const uint32_t *taps)
{
    const uint32_t twice = taps[0] + taps[0];
    const uint32_t thrice = twice + taps[0];
    uint32_t base = 0;
#pragma GCC unroll 4
    for (int32_t k = 0; k < 4; ++k) {
        to[0] = base;
        to[1] = base + taps[0];
        to[2] = base + twice;
        to[3] = base + thrice;
        base += taps[1];
        to += 4;
    }
}

/* The table of four taps, whose weights of 1 bit lie lowest first. */
static inline void eb_table_of_1(uint32_t *to, const uint32_t *taps)
{
    const uint32_t both = taps[0] + taps[1];
#pragma GCC unroll 4
    for (int32_t k = 0; k < 4; ++k) {
        const uint32_t base = (k & 1 ? taps[2] : 0u) + (k & 2 ? taps[3] : 0u);
        to[0] = base;
        to[1] = base + taps[0];
        to[2] = base + taps[1];
        to[3] = base + both;
        to += 4;
    }
}

/* Where the taps of the next table come from. */
typedef struct {
    const uint32_t *values; /* words of a byte of every pixel, each in a field of its own */
    uint32_t word;          /* the one that was begun, */
    int32_t left;           /* and how many taps it still has */
} eb_table_taps;

/* The values of the next tap, of `bits` bits within `mask`, in every pixel. */
static inline uint32_t eb_table_tap(eb_table_taps *from, int32_t bits, uint32_t mask)
{
    if (bits == 8) {
        return *from->values++;
    }
    if (from->left == 0) {
        from->word = *from->values++;
        from->left = 8 / bits;
    }
    const uint32_t tap = from->word & mask;
    from->word >>= bits;
    --from->left;
    return tap;
}

/* eb_tables_W_A: makes `count` tables for weights of W bits and values of A bits, and returns the
 * sums of all their taps. The functions are copies of their own: their loops have no branch.
 */
#define EB_TABLES_OF(WEIGHT_BITS, BITS, MASK)                                                      \
    EB_KERNEL uint32_t eb_tables_##WEIGHT_BITS##_##BITS(eb_table_taps *state, int32_t count,       \
                                                        uint32_t *to)                              \
    {                                                                                              \
        eb_table_taps from = *state;                                                               \
        uint32_t total = 0;                                                                        \
        for (; count > 0; --count) {                                                               \
            uint32_t taps[4 / WEIGHT_BITS];                                                        \
            _Pragma("GCC unroll 4") for (int32_t k = 0; k < 4 / WEIGHT_BITS; ++k)                  \
            {                                                                                      \
                taps[k] = eb_table_tap(&from, BITS, MASK);                                         \
                total += taps[k];                                                                  \
            }                                                                                      \
            eb_table_of_##WEIGHT_BITS(to, taps);                                                   \
            to += EB_TABLE_WORDS;                                                                  \
        }                                                                                          \
        *state = from;                                                                             \
        return total;                                                                              \
    }

EB_TABLES_OF(1, 1, 0x01010101u)
EB_TABLES_OF(1, 2, 0x03030303u)
EB_TABLES_OF(1, 4, 0x000f000fu)
EB_TABLES_OF(1, 8, 0u)
EB_TABLES_OF(2, 1, 0x01010101u)
EB_TABLES_OF(2, 2, 0x03030303u)
EB_TABLES_OF(2, 4, 0x000f000fu)
EB_TABLES_OF(2, 8, 0u)

/* eb_tables_4_A: the values of `count` taps, for eb_product_sums, and their sum.
 *
 * A word w of codes c0, c1, .. shifted by 4 k bits is c_k + 16 (w shifted by 4 (k + 1)). So the sum
 * of c_k x_k is that of (w shifted by 4 k) (x_k - 16 x_(k-1)), modulo 2^32.
 */
#define EB_VALUES_OF(BITS, MASK)                                                                   \
    EB_KERNEL uint32_t eb_tables_4_##BITS(eb_table_taps *state, int32_t count, uint32_t *to)       \
    {                                                                                              \
        eb_table_taps from = *state;                                                               \
        uint32_t total = 0;                                                                        \
        uint32_t before = 0;                                                                       \
        for (; count > 0; --count) {                                                               \
            const uint32_t tap = eb_table_tap(&from, BITS, MASK);                                  \
            total += tap;                                                                          \
            *to++ = tap - (count % EB_TABLE_CODES == 0 ? 0u : before << 4);                        \
            before = tap;                                                                          \
        }                                                                                          \
        *state = from;                                                                             \
        return total;                                                                              \
    }

EB_VALUES_OF(1, 0x01010101u)
EB_VALUES_OF(4, 0x000f000fu)
EB_VALUES_OF(8, 0u)

#endif /* EB_TABLES_S8_H */
