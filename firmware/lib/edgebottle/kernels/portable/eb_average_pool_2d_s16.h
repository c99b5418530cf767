/* AVERAGE_POOL_2D, int16: input and output have the same scale and zero point. */
#ifndef EB_AVERAGE_POOL_2D_S16_H
#define EB_AVERAGE_POOL_2D_S16_H

#include "../../include/eb_accumulate.h"
#include "../../include/eb_pool_2d.h"
#include "eb_average_pool_2d_s8.h"

/* The mean as an element of the output. */
static inline int16_t eb_average_pool_2d_s16_mean(const eb_pool_2d *p, int32_t sum, int32_t count)
{
    return (int16_t)eb_clamp(eb_average_pool_2d_divide(sum, count), p->activation_min,
                             p->activation_max);
}

/* One output row: the mean of the pixels that are inside of the image.
 *
 * rows: p->window_height rows, NULL outside of the image. out: pixels out_pixel_stride apart.
 */
EB_KERNEL void eb_average_pool_2d_s16_row(const eb_pool_2d *p,
                                          const void *const *rows,
                                          int16_t *out,
                                          int32_t out_pixel_stride)
{
    const int32_t height = eb_pool_2d_rows(rows, p->window_height);
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        const int32_t count = height * (span.end - span.first);
        for (int32_t c = 0; c < p->channels; ++c) {
            int32_t sum = 0;
            for (int32_t k = 0; k < p->window_height; ++k) {
                const int16_t *row = (const int16_t *)rows[k];
                for (int32_t i = span.first; row != NULL && i < span.end; ++i) {
                    sum += row[i * p->channels + c];
                }
            }
            out[x * out_pixel_stride + c] = eb_average_pool_2d_s16_mean(p, sum, count);
        }
    }
}

/* The same for an output of one row whose input rows come one by one; each is given once.
 *
 * sums: p->out_width * p->channels of them, 0 before the first row.
 */
EB_KERNEL void
eb_average_pool_2d_s16_accumulate(const eb_pool_2d *p, const int16_t *row, int32_t *sums)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        eb_accumulate_sum_s16(sums + x * p->channels, row + span.first * p->channels,
                              span.end - span.first, p->channels);
    }
}

/* After p->window_height rows. out: pixels out_pixel_stride apart. */
EB_KERNEL void eb_average_pool_2d_s16_end(const eb_pool_2d *p,
                                          const int32_t *sums,
                                          int16_t *out,
                                          int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        const int32_t count = p->window_height * (span.end - span.first);
        for (int32_t c = 0; c < p->channels; ++c) {
            out[x * out_pixel_stride + c] = eb_average_pool_2d_s16_mean(p, *sums++, count);
        }
    }
}

#endif /* EB_AVERAGE_POOL_2D_S16_H */
