/* MAX_POOL_2D, integers: input and output have the same scale and zero point. */
#ifndef EB_MAX_POOL_2D_INT_H
#define EB_MAX_POOL_2D_INT_H

#include "../../include/eb_accumulate.h"
#include "../../include/eb_pool_2d.h"

/* The kernel `name`, one output row: the largest of the pixels that are inside of the image.
 *
 * rows: p->window_height rows, NULL outside of the image. out: pixels out_pixel_stride apart.
 */
#define EB_MAX_POOL_2D_ROW(name, type)                                                             \
    EB_KERNEL void name(const eb_pool_2d *p, const void *const *rows, type *out,                   \
                        int32_t out_pixel_stride)                                                  \
    {                                                                                              \
        for (int32_t x = 0; x < p->out_width; ++x) {                                               \
            const eb_pool_2d_span span = eb_pool_2d_window(x, p->stride_width, p->padding_left,    \
                                                           p->window_width, p->in_width);          \
            for (int32_t c = 0; c < p->channels; ++c) {                                            \
                int32_t largest = p->activation_min;                                               \
                for (int32_t k = 0; k < p->window_height; ++k) {                                   \
                    const type *row = (const type *)rows[k];                                       \
                    for (int32_t i = span.first; row != NULL && i < span.end; ++i) {               \
                        largest = eb_max(largest, row[i * p->channels + c]);                       \
                    }                                                                              \
                }                                                                                  \
                out[x * out_pixel_stride + c] = (type)eb_min(largest, p->activation_max);          \
            }                                                                                      \
        }                                                                                          \
    }

/* The same for an output of one row whose input rows come one by one; each is given once.
 *
 * largest: p->out_width * p->channels values, the type's least before the first row.
 */
#define EB_MAX_POOL_2D_ACCUMULATE(name, type)                                                      \
    EB_KERNEL void name(const eb_pool_2d *p, const type *row, int32_t *largest)                    \
    {                                                                                              \
        for (int32_t x = 0; x < p->out_width; ++x) {                                               \
            const eb_pool_2d_span span = eb_pool_2d_window(x, p->stride_width, p->padding_left,    \
                                                           p->window_width, p->in_width);          \
            int32_t *at = largest + x * p->channels;                                               \
            for (int32_t i = span.first; i < span.end; ++i) {                                      \
                const type *pixel = row + i * p->channels;                                         \
                for (int32_t c = 0; c < p->channels; ++c) {                                        \
                    at[c] = eb_max(at[c], pixel[c]);                                               \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/* After the last row. out: pixels out_pixel_stride apart. */
#define EB_MAX_POOL_2D_END(name, type)                                                             \
    EB_KERNEL void name(const eb_pool_2d *p, const int32_t *largest, type *out,                    \
                        int32_t out_pixel_stride)                                                  \
    {                                                                                              \
        for (int32_t x = 0; x < p->out_width; ++x) {                                               \
            for (int32_t c = 0; c < p->channels; ++c) {                                            \
                out[x * out_pixel_stride + c] =                                                    \
                    (type)eb_clamp(*largest++, p->activation_min, p->activation_max);              \
            }                                                                                      \
        }                                                                                          \
    }

EB_MAX_POOL_2D_ROW(eb_max_pool_2d_s8_row, int8_t)
EB_MAX_POOL_2D_ACCUMULATE(eb_max_pool_2d_s8_accumulate, int8_t)
EB_MAX_POOL_2D_END(eb_max_pool_2d_s8_end, int8_t)
EB_MAX_POOL_2D_ROW(eb_max_pool_2d_s16_row, int16_t)
EB_MAX_POOL_2D_ACCUMULATE(eb_max_pool_2d_s16_accumulate, int16_t)
EB_MAX_POOL_2D_END(eb_max_pool_2d_s16_end, int16_t)

#undef EB_MAX_POOL_2D_ROW
#undef EB_MAX_POOL_2D_ACCUMULATE
#undef EB_MAX_POOL_2D_END

#endif /* EB_MAX_POOL_2D_INT_H */
