/* SOFTMAX of float32, one row. Portable C. */
#ifndef EB_KERNELS_PORTABLE_SOFTMAX_F32_H
#define EB_KERNELS_PORTABLE_SOFTMAX_F32_H

#include <stdint.h>

#include "../../include/eb_math_f32.h"

/* The softmax of each pixel over its channels, of values scaled by beta.
 *
 * pixels, channels: >= 1. beta: > 0. out may be row where out_pixel_stride == channels.
 */
static inline void eb_softmax_f32_row(int32_t pixels,
                                      int32_t channels,
                                      const float *row,
                                      float *out,
                                      int32_t out_pixel_stride,
                                      float beta)
{
    for (int32_t x = 0; x < pixels; ++x) {
        float largest = row[0];
        for (int32_t c = 1; c < channels; ++c) {
            largest = row[c] > largest ? row[c] : largest;
        }
        float sum = 0.0f;
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_exp_f32((row[c] - largest) * beta);
            sum += out[c];
        }
        for (int32_t c = 0; c < channels; ++c) {
            out[c] /= sum;
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_SOFTMAX_F32_H */
