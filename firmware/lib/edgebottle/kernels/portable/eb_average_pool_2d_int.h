/* AVERAGE_POOL_2D, integers: input and output have the same scale and zero point. */
#ifndef EB_AVERAGE_POOL_2D_INT_H
#define EB_AVERAGE_POOL_2D_INT_H

#include "../../include/eb_accumulate.h"
#include "../../include/eb_pool_2d.h"

/* The mean, halves away from zero, clamped. count: 1 .. 2^23. */
static inline int32_t eb_average_pool_2d_mean(const eb_pool_2d *p, int32_t sum, int32_t count)
{
    const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
    return eb_clamp(mean, p->activation_min, p->activation_max);
}

/* The same of what was uint8, less 128: halves go up. */
static inline int32_t eb_average_pool_2d_u8_mean(const eb_pool_2d *p, int32_t sum, int32_t count)
{
    const uint32_t unsigned_sum = (uint32_t)sum + 128u * (uint32_t)count;
    const uint32_t mean = (unsigned_sum + (uint32_t)count / 2u) / (uint32_t)count;
    return eb_clamp((int32_t)mean - 128, p->activation_min, p->activation_max);
}

/* The kernel `name`, one output row: `mean` of the pixels that are inside of the image.
 *
 * rows: p->window_height rows, NULL outside of the image. out: pixels out_pixel_stride apart.
 */
#define EB_AVERAGE_POOL_2D_ROW(name, type, mean)                                                   \
    EB_KERNEL void name(const eb_pool_2d *p, const void *const *rows, type *out,                   \
                        int32_t out_pixel_stride)                                                  \
    {                                                                                              \
        const int32_t height = eb_pool_2d_rows(rows, p->window_height);                            \
        for (int32_t x = 0; x < p->out_width; ++x) {                                               \
            const eb_pool_2d_span span = eb_pool_2d_window(x, p->stride_width, p->padding_left,    \
                                                           p->window_width, p->in_width);          \
            const int32_t count = height * (span.end - span.first);                                \
            for (int32_t c = 0; c < p->channels; ++c) {                                            \
                int32_t sum = 0;                                                                   \
                for (int32_t k = 0; k < p->window_height; ++k) {                                   \
                    const type *row = (const type *)rows[k];                                       \
                    for (int32_t i = span.first; row != NULL && i < span.end; ++i) {               \
                        sum += row[i * p->channels + c];                                           \
                    }                                                                              \
                }                                                                                  \
                out[x * out_pixel_stride + c] = (type)mean(p, sum, count);                         \
            }                                                                                      \
        }                                                                                          \
    }

/* The same for an output of one row whose input rows come one by one; each is given once.
 *
 * sums: p->out_width * p->channels of them, 0 before the first row. add: takes pixels into sums.
 */
#define EB_AVERAGE_POOL_2D_ACCUMULATE(name, type, add)                                             \
    EB_KERNEL void name(const eb_pool_2d *p, const type *row, int32_t *sums)                       \
    {                                                                                              \
        for (int32_t x = 0; x < p->out_width; ++x) {                                               \
            const eb_pool_2d_span span = eb_pool_2d_window(x, p->stride_width, p->padding_left,    \
                                                           p->window_width, p->in_width);          \
            add(sums + x * p->channels, row + span.first * p->channels, span.end - span.first,     \
                p->channels);                                                                      \
        }                                                                                          \
    }

/* After p->window_height rows. out: pixels out_pixel_stride apart. */
#define EB_AVERAGE_POOL_2D_END(name, type, mean)                                                   \
    EB_KERNEL void name(const eb_pool_2d *p, const int32_t *sums, type *out,                       \
                        int32_t out_pixel_stride)                                                  \
    {                                                                                              \
        for (int32_t x = 0; x < p->out_width; ++x) {                                               \
            const eb_pool_2d_span span = eb_pool_2d_window(x, p->stride_width, p->padding_left,    \
                                                           p->window_width, p->in_width);          \
            const int32_t count = p->window_height * (span.end - span.first);                      \
            for (int32_t c = 0; c < p->channels; ++c) {                                            \
                out[x * out_pixel_stride + c] = (type)mean(p, *sums++, count);                     \
            }                                                                                      \
        }                                                                                          \
    }

EB_AVERAGE_POOL_2D_ROW(eb_average_pool_2d_s8_row, int8_t, eb_average_pool_2d_mean)
EB_AVERAGE_POOL_2D_ACCUMULATE(eb_average_pool_2d_s8_accumulate, int8_t, eb_accumulate_sum_s8)
EB_AVERAGE_POOL_2D_END(eb_average_pool_2d_s8_end, int8_t, eb_average_pool_2d_mean)
EB_AVERAGE_POOL_2D_ROW(eb_average_pool_2d_u8_row, int8_t, eb_average_pool_2d_u8_mean)
EB_AVERAGE_POOL_2D_END(eb_average_pool_2d_u8_end, int8_t, eb_average_pool_2d_u8_mean)
EB_AVERAGE_POOL_2D_ROW(eb_average_pool_2d_s16_row, int16_t, eb_average_pool_2d_mean)
EB_AVERAGE_POOL_2D_ACCUMULATE(eb_average_pool_2d_s16_accumulate, int16_t, eb_accumulate_sum_s16)
EB_AVERAGE_POOL_2D_END(eb_average_pool_2d_s16_end, int16_t, eb_average_pool_2d_mean)

#undef EB_AVERAGE_POOL_2D_ROW
#undef EB_AVERAGE_POOL_2D_ACCUMULATE
#undef EB_AVERAGE_POOL_2D_END

#endif /* EB_AVERAGE_POOL_2D_INT_H */
