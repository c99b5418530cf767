/* Copies of slices; included by eb_gather.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_GATHER_H
#define EB_KERNELS_PORTABLE_GATHER_H

/* Slices along one axis. */
EB_KERNEL void eb_gather_all(const eb_gather *p, const void *in, const int32_t *indices, void *out)
{
    const uint8_t *from = (const uint8_t *)in;
    uint8_t *to = (uint8_t *)out;
    for (int32_t b = 0; b < p->batches; ++b) {
        for (int32_t o = 0; o < p->outer; ++o) {
            for (int32_t i = 0; i < p->count; ++i) {
                const int32_t index = eb_clamp(indices[i], 0, p->extent - 1);
                memcpy(to, from + index * p->slice_bytes, (size_t)p->slice_bytes);
                to += p->slice_bytes;
            }
            from += p->extent * p->slice_bytes;
        }
        indices += p->count;
    }
}

/* `count` rows of `size` elements of a table of `rows`, each times the scale of its row. */
EB_KERNEL void eb_gather_dequantized(int32_t rows,
                                     int32_t count,
                                     int32_t size,
                                     const int8_t *table,
                                     const float *scales,
                                     const int32_t *indices,
                                     float *out)
{
    for (int32_t i = 0; i < count; ++i) {
        const int32_t index = eb_clamp(indices[i], 0, rows - 1);
        for (int32_t k = 0; k < size; ++k) {
            *out++ = (float)table[index * size + k] * scales[index];
        }
    }
}

/* Slices by several indices each. */
EB_KERNEL void
eb_gather_nd_all(const eb_gather_nd *p, const void *in, const int32_t *indices, void *out)
{
    uint8_t *to = (uint8_t *)out;
    for (int32_t i = 0; i < p->count; ++i) {
        int32_t slice = 0;
        for (int32_t axis = 0; axis < p->depth; ++axis) {
            slice = slice * p->extents[axis] + eb_clamp(*indices++, 0, p->extents[axis] - 1);
        }
        memcpy(to, (const uint8_t *)in + slice * p->slice_bytes, (size_t)p->slice_bytes);
        to += p->slice_bytes;
    }
}

#endif /* EB_KERNELS_PORTABLE_GATHER_H */
