/* Depthwise 2-D convolution, int8, with the DSP instructions: see eb_depthwise_conv_2d.h.
 *
 * Four channels at a time: a word holds one tap of four channels, of the values and of the weights
 * alike, and SMLABB and SMLATT multiply the widened halves channel by channel. Taps outside of the
 * image point to a line of zero points in the scratch. A depth multiplier above 1 has no such
 * words and is left to the portable kernel.
 */
#ifndef EB_DEPTHWISE_CONV_2D_S8_DSP_H
#define EB_DEPTHWISE_CONV_2D_S8_DSP_H

/* A pointer to a tap, in scratch whose 4-byte alignment is too little for a 64-bit host. */
typedef struct __attribute__((packed, may_alias)) {
    const int8_t *tap;
} eb_tap;

/* Points `taps` to the input pixels of a window, `outside` standing for those out of the image. */
static inline void eb_depthwise_conv_2d_s8_taps(const eb_depthwise_conv_2d *p,
                                                const void *const *rows,
                                                int32_t column,
                                                const int8_t *outside,
                                                eb_tap *taps)
{
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        int32_t x = column;
        for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
            const int is_inside = row != NULL && x >= 0 && x < p->input_width;
            taps++->tap = is_inside ? row + x * p->input_channels : outside;
            x += p->dilation_width;
        }
    }
}

/* Four neighbouring channels of one output pixel: acc[0..3], the sums over all taps. */
EB_KERNEL void eb_depthwise_conv_2d_s8_four(const eb_tap *taps,
                                            const eb_tap *end,
                                            int32_t channel,
                                            const int8_t *weights,
                                            int32_t channels,
                                            int32_t *acc)
{
    int32_t acc0 = 0;
    int32_t acc1 = 0;
    int32_t acc2 = 0;
    int32_t acc3 = 0;
    for (; taps != end; ++taps) {
        const uint32_t value = eb_load_word(taps->tap + channel);
        const uint32_t weight = eb_load_word(weights);
        const uint32_t value02 = eb_sxtb16(value);
        const uint32_t value13 = eb_sxtb16_ror8(value);
        const uint32_t weight02 = eb_sxtb16(weight);
        const uint32_t weight13 = eb_sxtb16_ror8(weight);
        acc0 = eb_smlabb(value02, weight02, acc0);
        acc2 = eb_smlatt(value02, weight02, acc2);
        acc1 = eb_smlabb(value13, weight13, acc1);
        acc3 = eb_smlatt(value13, weight13, acc3);
        weights += channels;
    }
    acc[0] = acc0;
    acc[1] = acc1;
    acc[2] = acc2;
    acc[3] = acc3;
}

/* The same for the last channels, fewer than four. */
static inline void eb_depthwise_conv_2d_s8_rest(const eb_tap *taps,
                                                const eb_tap *end,
                                                int32_t channel,
                                                const int8_t *weights,
                                                int32_t channels,
                                                int32_t *acc)
{
    for (int32_t k = 0; channel + k < channels; ++k) {
        const int8_t *weight = weights + k;
        acc[k] = 0;
        for (const eb_tap *at = taps; at != end; ++at) {
            acc[k] += at->tap[channel + k] * *weight;
            weight += channels;
        }
    }
}

/* All channels of one output pixel. */
EB_KERNEL void eb_depthwise_conv_2d_s8_channels(const eb_depthwise_conv_2d *p,
                                                const eb_tap *taps,
                                                int8_t *out,
                                                const int8_t *weights,
                                                const int32_t *bias,
                                                const int32_t *multiplier,
                                                const int8_t *shift)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const int32_t channels = p->input_channels;
    const eb_tap *end = taps + p->kernel_height * p->kernel_width;
    for (int32_t c = 0; c < channels; c += 4) {
        const int32_t lanes = eb_min(4, channels - c);
        int32_t acc[4];
        if (lanes == 4) {
            eb_depthwise_conv_2d_s8_four(taps, end, c, weights + c, channels, acc);
        } else {
            eb_depthwise_conv_2d_s8_rest(taps, end, c, weights + c, channels, acc);
        }
        for (int32_t k = 0; k < lanes; ++k) {
            *out++ =
                eb_requantize_sum(eb_add_wrap(acc[k], *bias++), *multiplier++, *shift++, output);
        }
    }
}

/* One output row. */
EB_KERNEL void eb_depthwise_conv_2d_s8_row(const eb_depthwise_conv_2d *p,
                                           const void *const *rows,
                                           int8_t *out,
                                           int32_t out_pixel_stride,
                                           const int8_t *weights,
                                           const int32_t *bias,
                                           const int32_t *multiplier,
                                           const int8_t *shift,
                                           void *scratch)
{
    if (p->depth_multiplier != 1) {
        eb_depthwise_conv_2d_s8_row_portable(p, rows, out, out_pixel_stride, weights, bias,
                                             multiplier, shift);
        return;
    }
    eb_tap *taps = (eb_tap *)scratch;
    int8_t *outside = (int8_t *)scratch + 8 * p->kernel_height * p->kernel_width;
    for (int32_t c = 0; c < p->input_channels; ++c) {
        outside[c] = (int8_t)p->input_zero_point;
    }
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int32_t column = x * p->stride_width - p->pad_left;
        eb_depthwise_conv_2d_s8_taps(p, rows, column, outside, taps);
        eb_depthwise_conv_2d_s8_channels(p, taps, out, weights, bias, multiplier, shift);
        out += out_pixel_stride;
    }
}

#endif /* EB_DEPTHWISE_CONV_2D_S8_DSP_H */
