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
    uint32_t start;          /* what the fields of each channel begin with */
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
        uint32_t total[EB_TABLE_CHANNELS] = {run->start, run->start, run->start, run->start};
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
        uint32_t total[EB_TABLE_CHANNELS] = {run->start, run->start, run->start, run->start};
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

/* Tap number TAP from `values` on, words of a byte of every pixel, each in a field of its own. */
#define EB_TABLE_TAP(values, TAP, BITS, MASK)                                                      \
    ((BITS) == 8 ? (values)[TAP] : (values)[(TAP) * (BITS) / 8] >> (TAP) * (BITS) % 8 & (MASK))

/* eb_tables_W_A: makes `count` tables for weights of W bits and values of A bits, and returns the
 * sums of all their taps. The tables are of values less MIDDLE, the sums are not.
 *
 * The functions are copies of their own: their loops have no branch. CODES codes take whole words,
 * and `count` is a multiple of them.
 */
#define EB_TABLES_OF(WEIGHT_BITS, BITS, CODES, MASK, MIDDLE)                                       \
    EB_KERNEL uint32_t eb_tables_##WEIGHT_BITS##_##BITS(const uint32_t *values, int32_t count,     \
                                                        uint32_t *to)                              \
    {                                                                                              \
        uint32_t total = 0;                                                                        \
        for (; count > 0; count -= (CODES)) {                                                      \
            _Pragma("GCC unroll 4") for (int32_t code = 0; code < (CODES); ++code)                 \
            {                                                                                      \
                uint32_t taps[4 / WEIGHT_BITS];                                                    \
                _Pragma("GCC unroll 4") for (int32_t k = 0; k < 4 / WEIGHT_BITS; ++k)              \
                {                                                                                  \
                    const int32_t tap = 4 / WEIGHT_BITS * code + k;                                \
                    taps[k] = EB_TABLE_TAP(values, tap, BITS, MASK);                               \
                    total += taps[k];                                                              \
                    taps[k] -= (MIDDLE);                                                           \
                }                                                                                  \
                eb_table_of_##WEIGHT_BITS(to, taps);                                               \
                to += EB_TABLE_WORDS;                                                              \
            }                                                                                      \
            values += 4 / WEIGHT_BITS * (CODES) * BITS / 8;                                        \
        }                                                                                          \
        return total;                                                                              \
    }

EB_TABLES_OF(1, 1, 2, 0x01010101u, 0u)
EB_TABLES_OF(1, 2, 1, 0x03030303u, 0u)
EB_TABLES_OF(1, 4, 1, 0x000f000fu, 0u)
EB_TABLES_OF(1, 8, 1, 0u, 0u)
EB_TABLES_OF(2, 1, 4, 0x01010101u, 0u)
EB_TABLES_OF(2, 2, 2, 0x03030303u, 0x01010101u)
EB_TABLES_OF(2, 4, 1, 0x000f000fu, 0u)
EB_TABLES_OF(2, 8, 1, 0u, 0u)

/* eb_tables_4_A: the values of `count` taps, less MIDDLE, for eb_product_sums; returns the sum of
 * the values as they are.
 *
 * A word w of codes c0, c1, .. shifted by 4 k bits is c_k + 16 (w shifted by 4 (k + 1)). So the sum
 * of c_k x_k is that of (w shifted by 4 k) (x_k - 16 x_(k-1)), modulo 2^32.
 */
#define EB_VALUES_OF(BITS, CODES, MASK, MIDDLE)                                                    \
    EB_KERNEL uint32_t eb_tables_4_##BITS(const uint32_t *values, int32_t count, uint32_t *to)     \
    {                                                                                              \
        uint32_t total = 0;                                                                        \
        uint32_t before = 0;                                                                       \
        for (; count > 0; count -= (CODES)) {                                                      \
            before = count % EB_TABLE_CODES == 0 ? 0u : before;                                    \
            _Pragma("GCC unroll 8") for (int32_t code = 0; code < (CODES); ++code)                 \
            {                                                                                      \
                const uint32_t tap = EB_TABLE_TAP(values, code, BITS, MASK);                       \
                total += tap;                                                                      \
                *to++ = tap - before - (MIDDLE);                                                   \
                before = (tap - (MIDDLE)) << 4;                                                    \
            }                                                                                      \
            values += BITS * (CODES) / 8;                                                          \
        }                                                                                          \
        return total;                                                                              \
    }

EB_VALUES_OF(1, 8, 0x01010101u, 0u)
EB_VALUES_OF(4, 2, 0x000f000fu, 0u)
EB_VALUES_OF(8, 1, 0u, 0x00800080u)

#endif /* EB_TABLES_S8_H */
