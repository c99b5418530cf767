/* Products of matrices, float32, portable C: see eb_batch_matmul.h. */
#ifndef EB_KERNELS_PORTABLE_BATCH_MATMUL_F32_H
#define EB_KERNELS_PORTABLE_BATCH_MATMUL_F32_H

/* The product of two matrices. */
static inline void
eb_batch_matmul_f32_one(const eb_batch_matmul_f32 *p, const float *a, const float *b, float *out)
{
    for (int32_t y = 0; y < p->rows; ++y) {
        for (int32_t x = 0; x < p->columns; ++x) {
            const float *left = a + y * p->a_row_stride;
            const float *right = b + x * p->b_column_stride;
            float acc = 0.0f;
            for (int32_t i = 0; i < p->depth; ++i) {
                acc += *left * *right;
                left += p->a_depth_stride;
                right += p->b_depth_stride;
            }
            out[y * p->out_row_stride + x] = acc;
        }
    }
}

/* All batches. */
EB_KERNEL void
eb_batch_matmul_f32_all(const eb_batch_matmul_f32 *p, const float *a, const float *b, float *out)
{
    eb_batch_place at = {{0}, 0, 0, 0};
    do {
        eb_batch_matmul_f32_one(p, a + at.a, b + at.b, out + at.out);
    } while (eb_batch_next(&p->walk, &at));
}

#endif /* EB_KERNELS_PORTABLE_BATCH_MATMUL_F32_H */
