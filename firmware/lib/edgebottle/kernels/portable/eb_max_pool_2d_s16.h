/* MAX_POOL_2D, int16: input and output have the same scale and zero point. */
#ifndef EB_MAX_POOL_2D_S16_H
#define EB_MAX_POOL_2D_S16_H

#include "../../include/eb_accumulate.h"
#include "../../include/eb_pool_2d.h"

/* One output row: the largest of the pixels that are inside of the image.
 *
 * rows: p->window_height rows, NULL outside of the image. out: pixels out_pixel_stride apart.
 */
EB_KERNEL void eb_max_pool_2d_s16_row(const eb_pool_2d *p,
                                      const void *const *rows,
                                      int16_t *out,
                                      int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        for (int32_t c = 0; c < p->channels; ++c) {
            int32_t largest = p->activation_min;
            for (int32_t k = 0; k < p->window_height; ++k) {
                const int16_t *row = (const int16_t *)rows[k];
                for (int32_t i = span.first; row != NULL && i < span.end; ++i) {
                    largest = eb_max(largest, row[i * p->channels + c]);
                }
            }
            out[x * out_pixel_stride + c] = (int16_t)eb_min(largest, p->activation_max);
        }
    }
}

/* The same for an output of one row whose input rows come one by one; each is given once.
 *
 * largest: p->out_width * p->channels values, -32768 before the first row.
 */
EB_KERNEL void
eb_max_pool_2d_s16_accumulate(const eb_pool_2d *p, const int16_t *row, int32_t *largest)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        int32_t *at = largest + x * p->channels;
        for (int32_t i = span.first; i < span.end; ++i) {
            const int16_t *pixel = row + i * p->channels;
            for (int32_t c = 0; c < p->channels; ++c) {
                at[c] = eb_max(at[c], pixel[c]);
            }
        }
    }
}

/* After the last row. out: pixels out_pixel_stride apart. */
EB_KERNEL void eb_max_pool_2d_s16_end(const eb_pool_2d *p,
                                      const int32_t *largest,
                                      int16_t *out,
                                      int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        for (int32_t c = 0; c < p->channels; ++c) {
            out[x * out_pixel_stride + c] =
                (int16_t)eb_clamp(*largest++, p->activation_min, p->activation_max);
        }
    }
}

#endif /* EB_MAX_POOL_2D_S16_H */
