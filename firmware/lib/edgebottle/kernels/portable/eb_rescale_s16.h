/* QUANTIZE from or to int16, one row; included by eb_quantize.h. Portable C.
 *
 * Between 8-bit types eb_table.h serves. */
#ifndef EB_KERNELS_PORTABLE_RESCALE_S16_H
#define EB_KERNELS_PORTABLE_RESCALE_S16_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* One value. */
static inline int32_t eb_rescale_value(const eb_rescale *p, int32_t stored)
{
    const int32_t scaled = eb_requantize(stored - p->in_zero_point, p->multiplier, p->shift);
    const int32_t limited =
        eb_clamp(scaled, p->low - p->out_zero_point, p->high - p->out_zero_point);
    return limited + p->out_zero_point;
}

/* One row from int16_t to int8_t. */
static inline void eb_rescale_s16_s8_row(int32_t pixels,
                                         int32_t channels,
                                         const int16_t *row,
                                         int8_t *out,
                                         int32_t out_pixel_stride,
                                         const eb_rescale *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (int8_t)eb_rescale_value(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row from int16_t to int16_t. */
static inline void eb_rescale_s16_s16_row(int32_t pixels,
                                          int32_t channels,
                                          const int16_t *row,
                                          int16_t *out,
                                          int32_t out_pixel_stride,
                                          const eb_rescale *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (int16_t)eb_rescale_value(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row from int16_t to int32_t. */
static inline void eb_rescale_s16_s32_row(int32_t pixels,
                                          int32_t channels,
                                          const int16_t *row,
                                          int32_t *out,
                                          int32_t out_pixel_stride,
                                          const eb_rescale *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_rescale_value(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row from int8_t to int16_t. */
static inline void eb_rescale_s8_s16_row(int32_t pixels,
                                         int32_t channels,
                                         const int8_t *row,
                                         int16_t *out,
                                         int32_t out_pixel_stride,
                                         const eb_rescale *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (int16_t)eb_rescale_value(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_RESCALE_S16_H */
