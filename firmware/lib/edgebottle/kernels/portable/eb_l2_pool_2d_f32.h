/* L2_POOL_2D, float. */
#ifndef EB_L2_POOL_2D_F32_H
#define EB_L2_POOL_2D_F32_H

#include "../../include/eb_accumulate.h"
#include "../../include/eb_math_f32.h"
#include "../../include/eb_pool_2d.h"

/* The root of the mean of squares as an element of the output. */
static inline float eb_l2_pool_2d_f32_root(const eb_pool_2d_f32 *p, float sum, float count)
{
    const float root = eb_sqrt_f32(sum / count);
    const float low = root < p->activation_min ? p->activation_min : root;
    return low > p->activation_max ? p->activation_max : low;
}

/* One output row: the root of the mean of the squares of the pixels that are inside of the image.
 *
 * rows: p->window_height rows, NULL outside of the image. out: pixels out_pixel_stride apart.
 */
EB_KERNEL void eb_l2_pool_2d_f32_row(const eb_pool_2d_f32 *p,
                                     const void *const *rows,
                                     float *out,
                                     int32_t out_pixel_stride)
{
    const int32_t height = eb_pool_2d_rows(rows, p->window_height);
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        const float count = (float)(height * (span.end - span.first));
        for (int32_t c = 0; c < p->channels; ++c) {
            float sum = 0.0f;
            for (int32_t k = 0; k < p->window_height; ++k) {
                const float *row = (const float *)rows[k];
                for (int32_t i = span.first; row != NULL && i < span.end; ++i) {
                    sum += row[i * p->channels + c] * row[i * p->channels + c];
                }
            }
            out[x * out_pixel_stride + c] = eb_l2_pool_2d_f32_root(p, sum, count);
        }
    }
}

/* The same for an output of one row whose input rows come one by one; each is given once.
 *
 * sums: of squares, p->out_width * p->channels of them, 0 before the first row.
 */
EB_KERNEL void eb_l2_pool_2d_f32_accumulate(const eb_pool_2d_f32 *p, const float *row, float *sums)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        for (int32_t i = span.first; i < span.end; ++i) {
            for (int32_t c = 0; c < p->channels; ++c) {
                const float value = row[i * p->channels + c];
                sums[x * p->channels + c] += value * value;
            }
        }
    }
}

/* After p->window_height rows. out: pixels out_pixel_stride apart. */
EB_KERNEL void eb_l2_pool_2d_f32_end(const eb_pool_2d_f32 *p,
                                     const float *sums,
                                     float *out,
                                     int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_pool_2d_span span =
            eb_pool_2d_window(x, p->stride_width, p->padding_left, p->window_width, p->in_width);
        const float count = (float)(p->window_height * (span.end - span.first));
        for (int32_t c = 0; c < p->channels; ++c) {
            out[x * out_pixel_stride + c] = eb_l2_pool_2d_f32_root(p, *sums++, count);
        }
    }
}

#endif /* EB_L2_POOL_2D_F32_H */
