/* Transpose of a 2-D convolution, int8, portable C: see eb_transpose_conv.h. */
#ifndef EB_TRANSPOSE_CONV_S8_H
#define EB_TRANSPOSE_CONV_S8_H

/* The kernel `name`, one output row, with weights of a type. `taps`: what one input row adds to one
 * output element.
 *
 * column: the last input pixel whose window reaches the output pixel; phase: the tap of that
 * window; weights of `taps`: those of the output channel and of the row's taps.
 */
#define EB_TRANSPOSE_CONV_S8_ROW(name, taps, type)                                                 \
    static inline int32_t taps(const eb_transpose_conv *p, const int8_t *row, int32_t column,      \
                               int32_t phase, const type *weights)                                 \
    {                                                                                              \
        int32_t sum = 0;                                                                           \
        for (int32_t kx = phase; kx < p->kernel_width; kx += p->stride_width) {                    \
            if (column >= 0 && column < p->input_width) {                                          \
                const int8_t *pixel = row + column * p->input_channels;                            \
                const type *weight = weights + kx * p->input_channels;                             \
                for (int32_t i = 0; i < p->input_channels; ++i) {                                  \
                    sum += (pixel[i] - p->input_zero_point) * weight[i];                           \
                }                                                                                  \
            }                                                                                      \
            --column;                                                                              \
        }                                                                                          \
        return sum;                                                                                \
    }                                                                                              \
    EB_KERNEL void name(const eb_transpose_conv *p, const void *const *rows, int32_t y,            \
                        int8_t *out, int32_t out_pixel_stride, const type *weights,                \
                        const int32_t *bias, const int32_t *multiplier, const int8_t *shift)       \
    {                                                                                              \
        const int32_t row_weights = p->kernel_width * p->input_channels;                           \
        const int32_t first = (y + p->pad_top) % p->stride_height;                                 \
        const eb_output_s8 output = {p->output_zero_point, p->low, p->high};                       \
        for (int32_t x = 0; x < p->output_width; ++x) {                                            \
            const int32_t column = (x + p->pad_left) / p->stride_width;                            \
            const int32_t phase = (x + p->pad_left) % p->stride_width;                             \
            for (int32_t o = 0; o < p->output_channels; ++o) {                                     \
                int32_t acc = 0;                                                                   \
                const void *const *row = rows;                                                     \
                for (int32_t ky = first; ky < p->kernel_height; ky += p->stride_height) {          \
                    if (*row != NULL) {                                                            \
                        acc += taps(p, (const int8_t *)*row, column, phase,                        \
                                    weights + (o * p->kernel_height + ky) * row_weights);          \
                    }                                                                              \
                    ++row;                                                                         \
                }                                                                                  \
                out[o] =                                                                           \
                    eb_requantize_sum(eb_add_wrap(acc, bias[o]), multiplier[o], shift[o], output); \
            }                                                                                      \
            out += out_pixel_stride;                                                               \
        }                                                                                          \
    }

EB_TRANSPOSE_CONV_S8_ROW(eb_transpose_conv_s8_row, eb_transpose_conv_s8_taps, int8_t)
EB_TRANSPOSE_CONV_S8_ROW(eb_transpose_conv_s8_wide_row, eb_transpose_conv_s8_wide_taps, int16_t)

#undef EB_TRANSPOSE_CONV_S8_ROW

#endif /* EB_TRANSPOSE_CONV_S8_H */
