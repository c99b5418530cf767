/* The vector instructions of the kernels with SDOT beside those of eb_neon.h, and C twins, which a
 * core without SDOT takes, too.
 */
#ifndef EB_DOT_VECTORS_H
#define EB_DOT_VECTORS_H

#include <stdint.h>
#include <string.h>

#include "../../include/eb_neon.h"

#if EB_HAVE_NEON

/* Sixteen int8. */
typedef int8x16_t eb_neon_fours;

static inline eb_neon_fours eb_neon_fours_load(const int8_t *from)
{
    return vld1q_s8(from);
}

/* The first four of them; of the others nothing is known. */
static inline eb_neon_fours eb_neon_fours_load_4(const int8_t *from)
{
    int32_t word;
    memcpy(&word, from, sizeof word);
    return vreinterpretq_s8_s32(vdupq_n_s32(word));
}

static inline eb_neon_fours eb_neon_fours_repeat(int32_t value)
{
    return vdupq_n_s8((int8_t)value);
}

static inline void eb_neon_fours_store(int8_t *to, eb_neon_fours values)
{
    vst1q_s8(to, values);
}

/* Sixteen of each of four rows, from `at` on: the first ones of all rows, the second ones, ... */
static inline void eb_neon_weave(const int8_t *const rows[4], int32_t at, int8_t *to)
{
    int8x16x4_t values;
    for (int32_t k = 0; k < 4; ++k) {
        values.val[k] = vld1q_s8(rows[k] + at);
    }
    vst4q_s8(to, values);
}

#else

typedef struct {
    int8_t lane[16];
} eb_neon_fours;

static inline eb_neon_fours eb_neon_fours_load(const int8_t *from)
{
    eb_neon_fours values;
    memcpy(values.lane, from, sizeof values.lane);
    return values;
}

static inline eb_neon_fours eb_neon_fours_load_4(const int8_t *from)
{
    eb_neon_fours values;
    memset(values.lane, 0x55, sizeof values.lane);
    memcpy(values.lane, from, 4);
    return values;
}

static inline eb_neon_fours eb_neon_fours_repeat(int32_t value)
{
    eb_neon_fours values;
    memset(values.lane, value, sizeof values.lane);
    return values;
}

static inline void eb_neon_fours_store(int8_t *to, eb_neon_fours values)
{
    memcpy(to, values.lane, sizeof values.lane);
}

static inline void eb_neon_weave(const int8_t *const rows[4], int32_t at, int8_t *to)
{
    for (int32_t i = 0; i < 64; ++i) {
        to[i] = rows[i % 4][at + i / 4];
    }
}

#endif

/* sums plus, to each, the products of its own four of sixteen weights and values. */
static inline eb_neon_sums
eb_neon_dot_fours(eb_neon_sums sums, eb_neon_fours weights, eb_neon_fours values)
{
#if EB_HAVE_SDOT
    return vdotq_s32(sums, weights, values);
#else
    int32_t totals[4];
    int8_t left[16];
    int8_t right[16];
    memcpy(left, &weights, sizeof left);
    memcpy(right, &values, sizeof right);
    eb_neon_put(totals, sums);
    for (int32_t i = 0; i < 16; ++i) {
        totals[i / 4] = eb_add_wrap(totals[i / 4], left[i] * right[i]);
    }
    return eb_neon_load(totals);
#endif
}

/* The same with the four values number `four`, a constant, of the sixteen, for all. */
EB_INLINED eb_neon_sums eb_neon_dot_four(eb_neon_sums sums,
                                         eb_neon_fours weights,
                                         eb_neon_fours values,
                                         int32_t four)
{
#if EB_HAVE_SDOT && defined(__aarch64__)
    switch (four) {
    case 0:
        return vdotq_laneq_s32(sums, weights, values, 0);
    case 1:
        return vdotq_laneq_s32(sums, weights, values, 1);
    case 2:
        return vdotq_laneq_s32(sums, weights, values, 2);
    default:
        return vdotq_laneq_s32(sums, weights, values, 3);
    }
#else
    int8_t all[16];
    for (int32_t i = 0; i < 16; i += 4) {
        memcpy(all + i, (const int8_t *)&values + 4 * four, 4);
    }
    return eb_neon_dot_fours(sums, weights, eb_neon_fours_load(all));
#endif
}

#endif /* EB_DOT_VECTORS_H */
