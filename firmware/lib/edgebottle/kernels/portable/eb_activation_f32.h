/* Activations of float32, one row each. Portable C.
 *
 * All: row has pixels * channels elements; out may be row where out_pixel_stride == channels.
 */
#ifndef EB_KERNELS_PORTABLE_ACTIVATION_F32_H
#define EB_KERNELS_PORTABLE_ACTIVATION_F32_H

#include <stdint.h>

#include "../../include/eb_math_f32.h"

/* x limited to low .. high. */
static inline void eb_clamp_f32_row(int32_t pixels,
                                    int32_t channels,
                                    const float *row,
                                    float *out,
                                    int32_t out_pixel_stride,
                                    float low,
                                    float high)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_clamp_f32(row[c], low, high);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* x where it is positive, slope * x elsewhere. */
static inline void eb_leaky_relu_f32_row(int32_t pixels,
                                         int32_t channels,
                                         const float *row,
                                         float *out,
                                         int32_t out_pixel_stride,
                                         float slope)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] > 0.0f ? row[c] : row[c] * slope;
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* 1 / (1 + e^-x). */
static inline void eb_logistic_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_logistic_f32(row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* The hyperbolic tangent. */
static inline void eb_tanh_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_tanh_f32(row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* x * min(max(x + 3, 0), 6) / 6. */
static inline void eb_hard_swish_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] * eb_clamp_f32(row[c] + 3.0f, 0.0f, 6.0f) / 6.0f;
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* The magnitude. */
static inline void eb_abs_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] < 0.0f ? -row[c] : row[c];
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* x where it is positive, e^x - 1 below zero. */
static inline void eb_elu_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] < 0.0f ? eb_expm1_f32(row[c]) : row[c];
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* e^x. */
static inline void eb_exp_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_exp_f32(row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* The natural logarithm. */
static inline void eb_log_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_log_f32(row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* x times the share of a standard normal distribution below x; approximate: by tanh. */
static inline float eb_gelu_f32(float x, int32_t approximate)
{
    const float cubic = 0.797884561f * (x + 0.044715f * x * x * x);
    const float share = approximate ? eb_tanh_f32(cubic) : eb_erf_f32(x * 0.707106781f);
    return 0.5f * x * (1.0f + share);
}

/* The same of a row. */
static inline void eb_gelu_f32_row(int32_t pixels,
                                   int32_t channels,
                                   const float *row,
                                   float *out,
                                   int32_t out_pixel_stride,
                                   int32_t approximate)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = eb_gelu_f32(row[c], approximate);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_ACTIVATION_F32_H */
