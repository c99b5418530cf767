/* QUANTIZE of float32, one row; included by eb_quantize.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_QUANTIZE_F32_H
#define EB_KERNELS_PORTABLE_QUANTIZE_F32_H

#include <stdint.h>

#include "../../include/eb_math_f32.h"
#include "../../include/eb_requant.h"

/* One value. */
static inline int32_t eb_quantize_f32(const eb_quantize *p, float real)
{
    /* Beyond this every 8- and 16-bit output saturates. */
    const float limit = 70000.0f;
    const float scaled = real / p->scale;
    if (!(scaled > -limit)) {
        return p->low;
    }
    const int32_t rounded = eb_round_f32(scaled < limit ? scaled : limit) + p->zero_point;
    return eb_clamp(rounded, p->low, p->high);
}

/* One row to int8_t. */
static inline void eb_quantize_f32_s8_row(int32_t pixels,
                                          int32_t channels,
                                          const float *row,
                                          int8_t *out,
                                          int32_t out_pixel_stride,
                                          const eb_quantize *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (int8_t)eb_quantize_f32(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row to uint8_t. */
static inline void eb_quantize_f32_u8_row(int32_t pixels,
                                          int32_t channels,
                                          const float *row,
                                          uint8_t *out,
                                          int32_t out_pixel_stride,
                                          const eb_quantize *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (uint8_t)eb_quantize_f32(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row to int16_t. */
static inline void eb_quantize_f32_s16_row(int32_t pixels,
                                           int32_t channels,
                                           const float *row,
                                           int16_t *out,
                                           int32_t out_pixel_stride,
                                           const eb_quantize *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (int16_t)eb_quantize_f32(p, row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_QUANTIZE_F32_H */
