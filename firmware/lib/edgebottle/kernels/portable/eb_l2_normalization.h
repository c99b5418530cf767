/* Pixels of length 1, one row; included by eb_l2_normalization.h. Portable C.
 *
 * Both: pixels, channels >= 1. out may be row where out_pixel_stride == channels.
 */
#ifndef EB_KERNELS_PORTABLE_L2_NORMALIZATION_H
#define EB_KERNELS_PORTABLE_L2_NORMALIZATION_H

/* int8; output scale 1/128, zero point 0. channels: at most 2^15. zero_point: of the input. */
static inline void eb_l2_normalization_s8_row(int32_t pixels,
                                              int32_t channels,
                                              const int8_t *row,
                                              int8_t *out,
                                              int32_t out_pixel_stride,
                                              int32_t zero_point)
{
    for (int32_t i = 0; i < pixels; ++i) {
        int32_t sum = 0;
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t value = row[c] - zero_point;
            sum += value * value;
        }
        const eb_inverse_root root = eb_inverse_root_of(sum);
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t value = row[c] - zero_point;
            out[c] = eb_requantize_s8(value, root.multiplier, root.shift + 7, 0, -128, 127);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* float32; lengths below 1e-6 count as that. */
static inline void eb_l2_normalization_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t i = 0; i < pixels; ++i) {
        float sum = 0.0f;
        for (int32_t c = 0; c < channels; ++c) {
            sum += row[c] * row[c];
        }
        const float length = eb_sqrt_f32(sum);
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] / (length > 1e-6f ? length : 1e-6f);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_L2_NORMALIZATION_H */
