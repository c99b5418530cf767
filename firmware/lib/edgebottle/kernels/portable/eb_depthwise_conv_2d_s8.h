/* Depthwise 2-D convolution, int8, portable C: see eb_depthwise_conv_2d.h. */
#ifndef EB_DEPTHWISE_CONV_2D_S8_H
#define EB_DEPTHWISE_CONV_2D_S8_H

/* One channel's window that lies within the image; `first` is its first tap in each row. */
static inline int32_t eb_depthwise_conv_2d_s8_inside(const void *const *rows,
                                                     int32_t first,
                                                     int32_t tap_stride,
                                                     const int8_t *weights,
                                                     int32_t weight_stride,
                                                     int32_t kernel_height,
                                                     int32_t kernel_width)
{
    int32_t acc = 0;
    for (int32_t ky = 0; ky < kernel_height; ++ky) {
        const int8_t *value = (const int8_t *)rows[ky] + first;
        for (int32_t kx = 0; kx < kernel_width; ++kx) {
            acc += *value * *weights;
            value += tap_stride;
            weights += weight_stride;
        }
    }
    return acc;
}

/* One channel's window that lies partly outside of the image, where values are the zero point. */
static inline int32_t eb_depthwise_conv_2d_s8_edge(const eb_depthwise_conv_2d *p,
                                                   const void *const *rows,
                                                   int32_t column,
                                                   int32_t channel,
                                                   const int8_t *weights,
                                                   int32_t weight_stride)
{
    int32_t acc = 0;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        int32_t x = column;
        for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
            const int is_inside = row != NULL && x >= 0 && x < p->input_width;
            const int32_t value =
                is_inside ? row[x * p->input_channels + channel] : p->input_zero_point;
            acc += value * *weights;
            x += p->dilation_width;
            weights += weight_stride;
        }
    }
    return acc;
}

/* All channels of one output pixel. */
EB_KERNEL void eb_depthwise_conv_2d_s8_pixel(const eb_depthwise_conv_2d *p,
                                             const void *const *rows,
                                             int32_t column,
                                             int is_inside,
                                             int8_t *out,
                                             const int8_t *weights,
                                             const int32_t *bias,
                                             const int32_t *multiplier,
                                             const int8_t *shift)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const int32_t outputs = p->input_channels * p->depth_multiplier;
    const int32_t tap_stride = p->dilation_width * p->input_channels;
    const int is_3x3 = p->kernel_height == 3 && p->kernel_width == 3;
    int32_t o = 0;
    for (int32_t channel = 0; channel < p->input_channels; ++channel) {
        const int32_t first = column * p->input_channels + channel;
        for (int32_t m = 0; m < p->depth_multiplier; ++m, ++o) {
            const int8_t *w = weights + o;
            int32_t acc;
            if (!is_inside) {
                acc = eb_depthwise_conv_2d_s8_edge(p, rows, column, channel, w, outputs);
            } else if (is_3x3) {
                acc = eb_depthwise_conv_2d_s8_inside(rows, first, tap_stride, w, outputs, 3, 3);
            } else {
                acc = eb_depthwise_conv_2d_s8_inside(rows, first, tap_stride, w, outputs,
                                                     p->kernel_height, p->kernel_width);
            }
            out[o] = eb_requantize_sum(eb_add_wrap(acc, bias[o]), multiplier[o], shift[o], output);
        }
    }
}

/* Whether no row of the window is padding. */
static inline int eb_depthwise_conv_2d_has_rows(const void *const *rows, int32_t count)
{
    for (int32_t k = 0; k < count; ++k) {
        if (rows[k] == NULL) {
            return 0;
        }
    }
    return 1;
}

/* One output row, for any depth_multiplier. */
EB_KERNEL void eb_depthwise_conv_2d_s8_row_portable(const eb_depthwise_conv_2d *p,
                                                    const void *const *rows,
                                                    int8_t *out,
                                                    int32_t out_pixel_stride,
                                                    const int8_t *weights,
                                                    const int32_t *bias,
                                                    const int32_t *multiplier,
                                                    const int8_t *shift)
{
    const int has_rows = eb_depthwise_conv_2d_has_rows(rows, p->kernel_height);
    const int32_t reach = (p->kernel_width - 1) * p->dilation_width;
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        const int is_inside = has_rows && column >= 0 && column + reach < p->input_width;
        eb_depthwise_conv_2d_s8_pixel(p, rows, column, is_inside, out, weights, bias, multiplier,
                                      shift);
        out += out_pixel_stride;
    }
}

#if !EB_HAVE_DSP
/* One output row. */
static inline void eb_depthwise_conv_2d_s8_row(const eb_depthwise_conv_2d *p,
                                               const void *const *rows,
                                               int8_t *out,
                                               int32_t out_pixel_stride,
                                               const int8_t *weights,
                                               const int32_t *bias,
                                               const int32_t *multiplier,
                                               const int8_t *shift,
                                               void *scratch)
{
    (void)scratch;
    eb_depthwise_conv_2d_s8_row_portable(p, rows, out, out_pixel_stride, weights, bias, multiplier,
                                         shift);
}
#endif

#endif /* EB_DEPTHWISE_CONV_2D_S8_H */
