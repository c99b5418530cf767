/* Products of matrices, int16, portable C: see eb_batch_matmul.h. */
#ifndef EB_KERNELS_PORTABLE_BATCH_MATMUL_S16_H
#define EB_KERNELS_PORTABLE_BATCH_MATMUL_S16_H

#include "../../include/eb_requant_wide.h"

/* The product of two matrices. */
static inline void
eb_batch_matmul_s16_one(const eb_batch_matmul *p, const int16_t *a, const int16_t *b, int16_t *out)
{
    for (int32_t y = 0; y < p->rows; ++y) {
        for (int32_t x = 0; x < p->columns; ++x) {
            const int16_t *left = a + y * p->a_row_stride;
            const int16_t *right = b + x * p->b_column_stride;
            int64_t acc = 0;
            for (int32_t i = 0; i < p->depth; ++i) {
                acc += *left * *right;
                left += p->a_depth_stride;
                right += p->b_depth_stride;
            }
            const int32_t scaled = eb_requantize_wide(acc, p->multiplier, p->shift);
            out[y * p->out_row_stride + x] = (int16_t)eb_clamp(scaled, INT16_MIN, INT16_MAX);
        }
    }
}

/* All batches; zero points are 0. multiplier, shift: see eb_requantize_wide. */
EB_KERNEL void
eb_batch_matmul_s16(const eb_batch_matmul *p, const int16_t *a, const int16_t *b, int16_t *out)
{
    eb_batch_place at = {{0}, 0, 0, 0};
    do {
        eb_batch_matmul_s16_one(p, a + at.a, b + at.b, out + at.out);
    } while (eb_batch_next(&p->walk, &at));
}

#endif /* EB_KERNELS_PORTABLE_BATCH_MATMUL_S16_H */
