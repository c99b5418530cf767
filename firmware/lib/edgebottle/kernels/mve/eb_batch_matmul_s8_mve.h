/* Products of matrices, int8, with vectors of sixteen: see eb_batch_matmul.h. */
#ifndef EB_BATCH_MATMUL_S8_MVE_H
#define EB_BATCH_MATMUL_S8_MVE_H

#include "eb_dot_s8_mve.h"

/* Where rows of a and columns of b lie side by side: both depth strides are 1. */
EB_KERNEL void
eb_batch_matmul_s8_mve(const eb_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int32_t depth = p->depth;
    eb_batch_place at = {{0}, 0, 0, 0};
    do {
        for (int32_t y = 0; y < p->rows; ++y) {
            const int8_t *row = a + at.a + y * p->a_row_stride;
            const int8_t *column = b + at.b;
            int8_t *to = out + at.out + y * p->out_row_stride;
            const int32_t sum = eb_mve_sum(row, depth);
            for (int32_t x = 0; x < p->columns; ++x) {
                const int32_t acc =
                    eb_mve_products(row, column, depth, p->a_zero_point, p->b_zero_point, sum);
                to[x] =
                    eb_requantize_s8(acc, p->multiplier, p->shift, p->out_zero_point, -128, 127);
                column += p->b_column_stride;
            }
        }
    } while (eb_batch_next(&p->walk, &at));
}

#endif /* EB_BATCH_MATMUL_S8_MVE_H */
