/* Products of matrices, int8, with the DSP instructions: see eb_batch_matmul.h.
 *
 * A row of a is widened once and stays in scratch: 2 * depth bytes, rounded up to eights. What the
 * zero point of b takes from a sum is the same for all columns.
 */
#ifndef EB_BATCH_MATMUL_S8_DSP_H
#define EB_BATCH_MATMUL_S8_DSP_H

#include "eb_dot_wide_s8.h"

/* How a sum becomes an element of the output: apart from the other parameters, which the compiler
 * would load anew after each byte that it writes. */
typedef struct {
    int32_t multiplier; /* 0 .. 2^31 - 1 */
    int32_t places;     /* 1 .. 31, to the right */
    int32_t zero_point; /* -128 .. 127 */
} eb_batch_matmul_scale;

/* One sum as an element of the output; |acc| < 2^30. */
static inline int8_t eb_batch_matmul_s8_value(int32_t acc, eb_batch_matmul_scale scale)
{
    const eb_output_s8 output = {scale.zero_point, -128, 127};
    return eb_requantize_narrow(acc, scale.multiplier, scale.places, output);
}

/* Four of them, side by side. */
static inline void
eb_batch_matmul_s8_four(const int32_t *acc, int32_t offset, eb_batch_matmul_scale scale, int8_t *to)
{
    to[0] = eb_batch_matmul_s8_value(acc[0] - offset, scale);
    to[1] = eb_batch_matmul_s8_value(acc[1] - offset, scale);
    to[2] = eb_batch_matmul_s8_value(acc[2] - offset, scale);
    to[3] = eb_batch_matmul_s8_value(acc[3] - offset, scale);
}

/* Defines NAME, which computes all rows by ROW. */
#define EB_BATCH_MATMUL_S8(NAME, ROW)                                                              \
    EB_KERNEL void NAME(const eb_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out,   \
                        void *scratch)                                                             \
    {                                                                                              \
        uint32_t *wide = (uint32_t *)scratch;                                                      \
        eb_batch_place at = {{0}, 0, 0, 0};                                                        \
        do {                                                                                       \
            for (int32_t y = 0; y < p->rows; ++y) {                                                \
                const int8_t *row = a + at.a + y * p->a_row_stride;                                \
                const int32_t sum =                                                                \
                    eb_widen_s8(row, p->a_depth_stride, p->a_zero_point, p->depth, wide);          \
                ROW(p, wide, b + at.b, p->b_zero_point * sum,                                      \
                    out + at.out + y * p->out_row_stride);                                         \
            }                                                                                      \
        } while (eb_batch_next(&p->walk, &at));                                                    \
    }

/* A row, widened, times the columns of b. offset: what is taken from each sum. */
EB_KERNEL void eb_batch_matmul_s8_dots_row(
    const eb_batch_matmul *p, const uint32_t *wide, const int8_t *b, int32_t offset, int8_t *to)
{
    const int32_t stride = p->b_column_stride;
    const int32_t depth = p->depth;
    const eb_batch_matmul_scale scale = {p->multiplier, -p->shift, p->out_zero_point};
    int32_t left = p->columns;
    for (; left >= 4; left -= 4) {
        int32_t acc[4];
        eb_dot_wide_1x4(wide, b, stride, depth, acc);
        eb_batch_matmul_s8_four(acc, offset, scale, to);
        to += 4;
        b += 4 * stride;
    }
    for (; left > 0; --left) {
        *to++ = eb_batch_matmul_s8_value(eb_dot_wide_1x1(wide, b, depth) - offset, scale);
        b += stride;
    }
}

/* Where the elements of a column of b lie side by side: b_depth_stride is 1. */
EB_BATCH_MATMUL_S8(eb_batch_matmul_s8_dots, eb_batch_matmul_s8_dots_row)

/* Four columns that lie side by side, times eb_widen_s8's values. */
static inline void eb_batch_matmul_s8_quad(
    const uint32_t *wide, const int8_t *b, int32_t stride, int32_t depth, int32_t *acc)
{
    const int16_t *last;
    int32_t acc0 = 0;
    int32_t acc1 = 0;
    int32_t acc2 = 0;
    int32_t acc3 = 0;
    for (int32_t fours = depth >> 2; fours > 0; --fours) {
        for (int32_t k = 0; k < 2; ++k) {
            /* Elements k and k + 2. */
            const uint32_t pair = *wide++;
            const uint32_t first = eb_load_word(b);
            const uint32_t second = eb_load_word(b + 2 * stride);
            acc0 = eb_smlabb(pair, eb_sxtb16(first), acc0);
            acc1 = eb_smlabb(pair, eb_sxtb16_ror8(first), acc1);
            acc2 = eb_smlabt(pair, eb_sxtb16(first), acc2);
            acc3 = eb_smlabt(pair, eb_sxtb16_ror8(first), acc3);
            acc0 = eb_smlatb(pair, eb_sxtb16(second), acc0);
            acc1 = eb_smlatb(pair, eb_sxtb16_ror8(second), acc1);
            acc2 = eb_smlatt(pair, eb_sxtb16(second), acc2);
            acc3 = eb_smlatt(pair, eb_sxtb16_ror8(second), acc3);
            b += stride;
        }
        b += 2 * stride;
    }
    last = (const int16_t *)(const void *)wide;
    for (int32_t i = 0; i < (depth & 3); ++i) {
        acc0 += last[i] * b[0];
        acc1 += last[i] * b[1];
        acc2 += last[i] * b[2];
        acc3 += last[i] * b[3];
        b += stride;
    }
    acc[0] = acc0;
    acc[1] = acc1;
    acc[2] = acc2;
    acc[3] = acc3;
}

/* One column, times eb_widen_s8's values. */
static inline int32_t
eb_batch_matmul_s8_column(const uint32_t *wide, const int8_t *b, int32_t stride, int32_t depth)
{
    int32_t acc = 0;
    const int16_t *last;
    for (int32_t fours = depth >> 2; fours > 0; --fours) {
        acc = eb_smlabb(wide[0], (uint32_t)b[0], acc);
        acc = eb_smlatb(wide[0], (uint32_t)b[2 * stride], acc);
        acc = eb_smlabb(wide[1], (uint32_t)b[stride], acc);
        acc = eb_smlatb(wide[1], (uint32_t)b[3 * stride], acc);
        wide += 2;
        b += 4 * stride;
    }
    last = (const int16_t *)(const void *)wide;
    for (int32_t i = 0; i < (depth & 3); ++i) {
        acc += last[i] * *b;
        b += stride;
    }
    return acc;
}

/* A row, widened, times the columns of b. offset: what is taken from each sum. */
EB_KERNEL void eb_batch_matmul_s8_columns_row(
    const eb_batch_matmul *p, const uint32_t *wide, const int8_t *b, int32_t offset, int8_t *to)
{
    const int32_t stride = p->b_depth_stride;
    const int32_t depth = p->depth;
    const eb_batch_matmul_scale scale = {p->multiplier, -p->shift, p->out_zero_point};
    int32_t left = p->columns;
    for (; left >= 4; left -= 4) {
        int32_t acc[4];
        eb_batch_matmul_s8_quad(wide, b, stride, depth, acc);
        eb_batch_matmul_s8_four(acc, offset, scale, to);
        to += 4;
        b += 4;
    }
    for (; left > 0; --left) {
        const int32_t acc = eb_batch_matmul_s8_column(wide, b++, stride, depth);
        *to++ = eb_batch_matmul_s8_value(acc - offset, scale);
    }
}

/* Where the elements of a row of b lie side by side: b_column_stride is 1. */
EB_BATCH_MATMUL_S8(eb_batch_matmul_s8_columns, eb_batch_matmul_s8_columns_row)

#endif /* EB_BATCH_MATMUL_S8_DSP_H */
