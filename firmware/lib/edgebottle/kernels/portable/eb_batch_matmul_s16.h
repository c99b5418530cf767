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
            *out++ = (int16_t)eb_clamp(scaled, INT16_MIN, INT16_MAX);
        }
    }
}

/* All batches; zero points are 0. multiplier, shift: see eb_requantize_wide. */
EB_KERNEL void
eb_batch_matmul_s16(const eb_batch_matmul *p, const int16_t *a, const int16_t *b, int16_t *out)
{
    int32_t index[EB_BATCH_AXES] = {0};
    int32_t axis = 0;
    while (axis >= 0) {
        eb_batch_matmul_s16_one(p, a, b, out);
        out += p->rows * p->columns;
        for (axis = EB_BATCH_AXES - 1; axis >= 0; --axis) {
            a += p->a_batch_strides[axis];
            b += p->b_batch_strides[axis];
            if (++index[axis] < p->batches[axis]) {
                break;
            }
            a -= p->batches[axis] * p->a_batch_strides[axis];
            b -= p->batches[axis] * p->b_batch_strides[axis];
            index[axis] = 0;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_BATCH_MATMUL_S16_H */
