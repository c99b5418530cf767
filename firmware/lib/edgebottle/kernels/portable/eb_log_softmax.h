/* The logarithm of the softmax of each pixel, one row; included by eb_log_softmax.h. Portable C.
 *
 * Both: pixels, channels >= 1. out may be row where out_pixel_stride == channels.
 */
#ifndef EB_KERNELS_PORTABLE_LOG_SOFTMAX_H
#define EB_KERNELS_PORTABLE_LOG_SOFTMAX_H

/* int8; output scale 1/16, zero point 127. channels: at most 511. exponentials: of 0, -1, .. steps
 * of the input, in Q0.31. */
static inline void eb_log_softmax_s8_row(int32_t pixels,
                                         int32_t channels,
                                         const int8_t *row,
                                         int8_t *out,
                                         int32_t out_pixel_stride,
                                         const eb_log_softmax_s8 *p,
                                         const int32_t *exponentials)
{
    for (int32_t i = 0; i < pixels; ++i) {
        int32_t largest = row[0];
        for (int32_t c = 1; c < channels; ++c) {
            largest = eb_max(largest, row[c]);
        }
        int32_t sum = 0; /* Q12.19 */
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t below = largest - row[c];
            sum += below < p->entries ? eb_rounding_shift_right(exponentials[below], 12) : 0;
        }
        const int32_t logarithm = eb_logarithm(sum);
        const int32_t least =
            eb_max(p->least_difference - 1,
                   eb_requantize(INT32_MIN + logarithm, p->reverse_multiplier, p->reverse_shift));
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t difference = row[c] - largest;
            int32_t value = -128;
            if (difference > least) {
                const int32_t scaled = eb_requantize(difference, p->multiplier, p->shift);
                value = eb_rounding_shift_right(scaled - logarithm, 22) + 127;
            }
            out[c] = (int8_t)eb_clamp(value, -128, 127);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* float32. */
static inline void eb_log_softmax_f32_row(
    int32_t pixels, int32_t channels, const float *row, float *out, int32_t out_pixel_stride)
{
    for (int32_t i = 0; i < pixels; ++i) {
        float largest = row[0];
        for (int32_t c = 1; c < channels; ++c) {
            largest = row[c] > largest ? row[c] : largest;
        }
        float sum = 0.0f;
        for (int32_t c = 0; c < channels; ++c) {
            sum += eb_exp_f32(row[c] - largest);
        }
        const float logarithm = eb_log_f32(sum);
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] - largest - logarithm;
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_LOG_SOFTMAX_H */
