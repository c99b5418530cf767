/* RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: one output row at a time. */
#ifndef EB_RESIZE_H
#define EB_RESIZE_H

#include <string.h>

#include "eb_requant.h"

/* One output row of RESIZE_NEAREST_NEIGHBOR, any element type.
 *
 * in: the input row. columns: for each output pixel, the input pixel. width >= 1; pixel_bytes >= 1;
 * out_pixel_stride in bytes, >= pixel_bytes.
 */
EB_KERNEL void eb_resize_nearest_row(const void *in,
                                     void *out,
                                     const uint16_t *columns,
                                     int32_t width,
                                     int32_t pixel_bytes,
                                     int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < width; ++x) {
        memcpy((uint8_t *)out + x * out_pixel_stride,
               (const uint8_t *)in + columns[x] * pixel_bytes, (size_t)pixel_bytes);
    }
}

/* RESIZE_BILINEAR: positions are in 1/1024 of an input pixel, position = index * step + start. */
typedef struct {
    int32_t out_width;   /* >= 1 */
    int32_t channels;    /* >= 1 */
    int32_t last_row;    /* input height - 1 */
    int32_t last_column; /* input width - 1 */
    int32_t step_y;
    int32_t start_y;
    int32_t step_x;
    int32_t start_x;
} eb_resize_bilinear;

/* The two neighbours of a position and the weight of the second, of 1024. */
typedef struct {
    int32_t lower;
    int32_t upper;
    int32_t weight;
} eb_resize_neighbours;

static inline eb_resize_neighbours
eb_resize_neighbours_at(int32_t index, int32_t step, int32_t start, int32_t last)
{
    /* Before the first pixel and after the last there is only that pixel. */
    const int32_t position = eb_max(index * step + start, 0);
    const int32_t lower = eb_min(position >> 10, last);
    const eb_resize_neighbours found = {lower, eb_min(lower + 1, last),
                                        lower == last ? 0 : position & 1023};
    return found;
}

/* One output row of RESIZE_BILINEAR, int8.
 *
 * rows: the lower and the upper input row of output row y. out: pixels out_pixel_stride apart.
 */
EB_KERNEL void eb_resize_bilinear_s8_row(const eb_resize_bilinear *p,
                                         const void *const *rows,
                                         int32_t y,
                                         int8_t *out,
                                         int32_t out_pixel_stride)
{
    const int8_t *above = (const int8_t *)rows[0];
    const int8_t *below = (const int8_t *)rows[1];
    const int32_t wy = eb_resize_neighbours_at(y, p->step_y, p->start_y, p->last_row).weight;
    for (int32_t x = 0; x < p->out_width; ++x) {
        const eb_resize_neighbours at =
            eb_resize_neighbours_at(x, p->step_x, p->start_x, p->last_column);
        const int32_t left = at.lower * p->channels;
        const int32_t right = at.upper * p->channels;
        for (int32_t c = 0; c < p->channels; ++c) {
            const int32_t top = above[left + c] * (1024 - at.weight) + above[right + c] * at.weight;
            const int32_t low = below[left + c] * (1024 - at.weight) + below[right + c] * at.weight;
            const int32_t sum = top * (1024 - wy) + low * wy;
            /* Rounded half away from zero. */
            out[x * out_pixel_stride + c] =
                (int8_t)((sum > 0 ? sum + (1 << 19) : sum - (1 << 19)) / (1 << 20));
        }
    }
}

/* RESIZE_BILINEAR, float: the neighbours and weights are computed at compile time.
 *
 * rows: the lower and the upper input row. columns: lower and upper pixel of each output pixel;
 * weights: of the upper pixel of each output pixel. weight_y: of the upper row.
 */
EB_KERNEL void eb_resize_bilinear_f32_row(const void *const *rows,
                                          float weight_y,
                                          float *out,
                                          int32_t out_pixel_stride,
                                          const uint16_t *columns,
                                          const float *weights,
                                          int32_t width,
                                          int32_t channels)
{
    const float *above = (const float *)rows[0];
    const float *below = (const float *)rows[1];
    for (int32_t x = 0; x < width; ++x) {
        const int32_t left = columns[2 * x] * channels;
        const int32_t right = columns[2 * x + 1] * channels;
        for (int32_t c = 0; c < channels; ++c) {
            const float top = above[left + c] * (1.0f - weights[x]) + above[right + c] * weights[x];
            const float low = below[left + c] * (1.0f - weights[x]) + below[right + c] * weights[x];
            out[x * out_pixel_stride + c] = top * (1.0f - weight_y) + low * weight_y;
        }
    }
}

/* RESIZE_BILINEAR of what was uint8, less 128: in single precision, as eb_resize_bilinear_f32_row,
 * and rounded half up. Weights are below 0 where both neighbours are the first pixel.
 */
EB_KERNEL void eb_resize_bilinear_u8_row(const void *const *rows,
                                         float weight_y,
                                         int8_t *out,
                                         int32_t out_pixel_stride,
                                         const uint16_t *columns,
                                         const float *weights,
                                         int32_t width,
                                         int32_t channels)
{
    const int8_t *above = (const int8_t *)rows[0];
    const int8_t *below = (const int8_t *)rows[1];
    for (int32_t x = 0; x < width; ++x) {
        const int32_t left = columns[2 * x] * channels;
        const int32_t right = columns[2 * x + 1] * channels;
        const float weight = weights[x];
        for (int32_t c = 0; c < channels; ++c) {
            const float top_left = (float)(above[left + c] + 128);
            const float top_right = (float)(above[right + c] + 128);
            const float low_left = (float)(below[left + c] + 128);
            const float low_right = (float)(below[right + c] + 128);
            float sum = top_left * (1.0f - weight_y) * (1.0f - weight);
            sum += low_left * weight_y * (1.0f - weight);
            sum += top_right * (1.0f - weight_y) * weight;
            sum += low_right * weight_y * weight;
            out[x * out_pixel_stride + c] = (int8_t)((int32_t)(sum + 0.5f) - 128);
        }
    }
}

#endif /* EB_RESIZE_H */
