/* Products of matrices, int8, with the DSP instructions: see eb_batch_matmul.h.
 *
 * A row of a is widened once and stays in scratch: 2 * depth bytes, rounded up to eights. What the
 * zero point of b takes from a sum is the same for all columns.
 */
#ifndef EB_BATCH_MATMUL_S8_DSP_H
#define EB_BATCH_MATMUL_S8_DSP_H

#include "eb_dot_wide_s8.h"

/* One sum as an element of the output. */
static inline int8_t eb_batch_matmul_s8_value(const eb_batch_matmul *p, int32_t acc)
{
    const eb_output_s8 output = {p->out_zero_point, -128, 127};
    return eb_requantize_sum(acc, p->multiplier, p->shift, output);
}

/* Where the elements of a column of b lie side by side: b_depth_stride is 1. */
EB_KERNEL void eb_batch_matmul_s8_dots(
    const eb_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch)
{
    uint32_t *wide = (uint32_t *)scratch;
    const int32_t stride = p->b_column_stride;
    eb_batch_place at = {{0}, 0, 0, 0};
    do {
        for (int32_t y = 0; y < p->rows; ++y) {
            const int8_t *row = a + at.a + y * p->a_row_stride;
            const int8_t *column = b + at.b;
            int8_t *to = out + at.out + y * p->out_row_stride;
            const int32_t offset = p->b_zero_point * eb_widen_s8(row, p->a_depth_stride,
                                                                 p->a_zero_point, p->depth, wide);
            int32_t x = 0;
            for (; x < p->columns - 3; x += 4) {
                int32_t acc[4];
                eb_dot_wide_1x4(wide, column, stride, p->depth, acc);
                to[0] = eb_batch_matmul_s8_value(p, acc[0] - offset);
                to[1] = eb_batch_matmul_s8_value(p, acc[1] - offset);
                to[2] = eb_batch_matmul_s8_value(p, acc[2] - offset);
                to[3] = eb_batch_matmul_s8_value(p, acc[3] - offset);
                to += 4;
                column += 4 * stride;
            }
            for (; x < p->columns; ++x) {
                const int32_t acc = eb_dot_wide_1x1(wide, column, p->depth);
                *to++ = eb_batch_matmul_s8_value(p, acc - offset);
                column += stride;
            }
        }
    } while (eb_batch_next(&p->walk, &at));
}

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

/* Where the elements of a row of b lie side by side: b_column_stride is 1. */
EB_KERNEL void eb_batch_matmul_s8_columns(
    const eb_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch)
{
    uint32_t *wide = (uint32_t *)scratch;
    const int32_t stride = p->b_depth_stride;
    eb_batch_place at = {{0}, 0, 0, 0};
    do {
        for (int32_t y = 0; y < p->rows; ++y) {
            const int8_t *row = a + at.a + y * p->a_row_stride;
            const int8_t *columns = b + at.b;
            int8_t *to = out + at.out + y * p->out_row_stride;
            const int32_t offset = p->b_zero_point * eb_widen_s8(row, p->a_depth_stride,
                                                                 p->a_zero_point, p->depth, wide);
            int32_t x = 0;
            for (; x < p->columns - 3; x += 4) {
                int32_t acc[4];
                eb_batch_matmul_s8_quad(wide, columns + x, stride, p->depth, acc);
                to[x] = eb_batch_matmul_s8_value(p, acc[0] - offset);
                to[x + 1] = eb_batch_matmul_s8_value(p, acc[1] - offset);
                to[x + 2] = eb_batch_matmul_s8_value(p, acc[2] - offset);
                to[x + 3] = eb_batch_matmul_s8_value(p, acc[3] - offset);
            }
            for (; x < p->columns; ++x) {
                const int32_t acc = eb_batch_matmul_s8_column(wide, columns + x, stride, p->depth);
                to[x] = eb_batch_matmul_s8_value(p, acc - offset);
            }
        }
    } while (eb_batch_next(&p->walk, &at));
}

#endif /* EB_BATCH_MATMUL_S8_DSP_H */
