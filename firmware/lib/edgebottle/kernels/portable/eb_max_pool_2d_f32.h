/* MAX_POOL_2D, float. */
#ifndef EB_MAX_POOL_2D_F32_H
#define EB_MAX_POOL_2D_F32_H

#include "../../include/eb_accumulate.h"
#include "../../include/eb_pool_2d.h"

/* One output row: the largest of the pixels that are inside of the image.
 *
 * rows: p->window_height rows, NULL outside of the image. out: pixels out_pixel_stride apart.
 */
EB_KERNEL void eb_max_pool_2d_f32_row(const eb_pool_2d_f32 *p,
                                      const void *const *rows,
                                      float *out,
                                      int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        for (int32_t c = 0; c < p->channels; ++c) {
            float largest = p->activation_min;
            for (int32_t k = 0; k < p->window_height; ++k) {
                const float *row = (const float *)rows[k];
                for (int32_t i = span.first; row != NULL && i < span.end; ++i) {
                    const float value = row[i * p->channels + c];
                    largest = value > largest ? value : largest;
                }
            }
            out[x * out_pixel_stride + c] =
                largest > p->activation_max ? p->activation_max : largest;
        }
    }
}

/* The same for an output of one row whose input rows come one by one; each is given once.
 *
 * largest: p->out_width * p->channels values, the lowest float before the first row.
 */
EB_KERNEL void
eb_max_pool_2d_f32_accumulate(const eb_pool_2d_f32 *p, const float *row, float *largest)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        float *at = largest + x * p->channels;
        for (int32_t i = span.first; i < span.end; ++i) {
            const float *pixel = row + i * p->channels;
            for (int32_t c = 0; c < p->channels; ++c) {
                at[c] = pixel[c] > at[c] ? pixel[c] : at[c];
            }
        }
    }
}

/* After the last row. out: pixels out_pixel_stride apart. */
EB_KERNEL void eb_max_pool_2d_f32_end(const eb_pool_2d_f32 *p,
                                      const float *largest,
                                      float *out,
                                      int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        for (int32_t c = 0; c < p->channels; ++c) {
            const float value = *largest++;
            const float low = value < p->activation_min ? p->activation_min : value;
            out[x * out_pixel_stride + c] = low > p->activation_max ? p->activation_max : low;
        }
    }
}

#endif /* EB_MAX_POOL_2D_F32_H */
