/* AVERAGE_POOL_2D of what was uint8, less 128: as eb_average_pool_2d_s8.h, but halves go up. */
#ifndef EB_AVERAGE_POOL_2D_U8_H
#define EB_AVERAGE_POOL_2D_U8_H

#include "eb_average_pool_2d_s8.h"

/* The mean as an element of the output. count: 1 .. 2^23. */
static inline int8_t eb_average_pool_2d_u8_mean(const eb_pool_2d *p, int32_t sum, int32_t count)
{
    const uint32_t unsigned_sum = (uint32_t)sum + 128u * (uint32_t)count;
    const uint32_t mean = (unsigned_sum + (uint32_t)count / 2u) / (uint32_t)count;
    return (int8_t)eb_clamp((int32_t)mean - 128, p->activation_min, p->activation_max);
}

/* One output row, as eb_average_pool_2d_s8_row. */
EB_KERNEL void eb_average_pool_2d_u8_row(const eb_pool_2d *p,
                                         const void *const *rows,
                                         int8_t *out,
                                         int32_t out_pixel_stride)
{
    const int32_t height = eb_pool_2d_rows(rows, p->window_height);
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        for (int32_t c = 0; c < p->channels; ++c) {
            int32_t sum = 0;
            for (int32_t k = 0; k < p->window_height; ++k) {
                const int8_t *row = (const int8_t *)rows[k];
                for (int32_t i = span.first; row != NULL && i < span.end; ++i) {
                    sum += row[i * p->channels + c];
                }
            }
            const int32_t count = height * (span.end - span.first);
            out[x * out_pixel_stride + c] = eb_average_pool_2d_u8_mean(p, sum, count);
        }
    }
}

/* After p->window_height rows of eb_average_pool_2d_s8_accumulate. */
EB_KERNEL void eb_average_pool_2d_u8_end(const eb_pool_2d *p,
                                         const int32_t *sums,
                                         int8_t *out,
                                         int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        const int32_t count = p->window_height * (span.end - span.first);
        for (int32_t c = 0; c < p->channels; ++c) {
            out[x * out_pixel_stride + c] = eb_average_pool_2d_u8_mean(p, *sums++, count);
        }
    }
}

#endif /* EB_AVERAGE_POOL_2D_U8_H */
