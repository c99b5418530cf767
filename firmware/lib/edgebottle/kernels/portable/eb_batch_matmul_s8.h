/* Products of matrices, int8, portable C: see eb_batch_matmul.h. */
#ifndef EB_KERNELS_PORTABLE_BATCH_MATMUL_S8_H
#define EB_KERNELS_PORTABLE_BATCH_MATMUL_S8_H

/* The product of two matrices. */
static inline void
eb_batch_matmul_s8_one(const eb_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out)
{
    for (int32_t y = 0; y < p->rows; ++y) {
        for (int32_t x = 0; x < p->columns; ++x) {
            const int8_t *left = a + y * p->a_row_stride;
            const int8_t *right = b + x * p->b_column_stride;
            int32_t acc = 0;
            for (int32_t i = 0; i < p->depth; ++i) {
                acc += (*left - p->a_zero_point) * (*right - p->b_zero_point);
                left += p->a_depth_stride;
                right += p->b_depth_stride;
            }
            out[y * p->out_row_stride + x] =
                eb_requantize_s8(acc, p->multiplier, p->shift, p->out_zero_point, -128, 127);
        }
    }
}

/* All batches. */
EB_KERNEL void
eb_batch_matmul_s8(const eb_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out)
{
    eb_batch_place at = {{0}, 0, 0, 0};
    do {
        eb_batch_matmul_s8_one(p, a + at.a, b + at.b, out + at.out);
    } while (eb_batch_next(&p->walk, &at));
}

#endif /* EB_KERNELS_PORTABLE_BATCH_MATMUL_S8_H */
