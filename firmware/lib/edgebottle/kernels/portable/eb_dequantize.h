/* DEQUANTIZE, one row; included by eb_quantize.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_DEQUANTIZE_H
#define EB_KERNELS_PORTABLE_DEQUANTIZE_H

#include <stdint.h>

/* One row of int8_t. */
static inline void eb_dequantize_s8_row(int32_t pixels,
                                        int32_t channels,
                                        const int8_t *row,
                                        float *out,
                                        int32_t out_pixel_stride,
                                        const eb_dequantize *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = p->scale * (float)(row[c] - p->zero_point);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row of uint8_t. */
static inline void eb_dequantize_u8_row(int32_t pixels,
                                        int32_t channels,
                                        const uint8_t *row,
                                        float *out,
                                        int32_t out_pixel_stride,
                                        const eb_dequantize *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = p->scale * (float)(row[c] - p->zero_point);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* One row of int16_t. */
static inline void eb_dequantize_s16_row(int32_t pixels,
                                         int32_t channels,
                                         const int16_t *row,
                                         float *out,
                                         int32_t out_pixel_stride,
                                         const eb_dequantize *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = p->scale * (float)(row[c] - p->zero_point);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_DEQUANTIZE_H */
