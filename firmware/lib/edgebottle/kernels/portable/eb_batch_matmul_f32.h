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
            *out++ = acc;
        }
    }
}

/* All batches. */
EB_KERNEL void
eb_batch_matmul_f32_all(const eb_batch_matmul_f32 *p, const float *a, const float *b, float *out)
{
    int32_t index[EB_BATCH_AXES] = {0};
    int32_t axis = 0;
    while (axis >= 0) {
        eb_batch_matmul_f32_one(p, a, b, out);
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

#endif /* EB_KERNELS_PORTABLE_BATCH_MATMUL_F32_H */
