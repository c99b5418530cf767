/* Depthwise 2-D convolution, float32, portable C: see eb_depthwise_conv_2d.h. */
#ifndef EB_DEPTHWISE_CONV_2D_F32_H
#define EB_DEPTHWISE_CONV_2D_F32_H

/* One output row. Operands as in the int8 kernel; the bias is the plain one. */
EB_KERNEL void eb_depthwise_conv_2d_f32_row(const eb_depthwise_conv_2d_f32 *p,
                                            const void *const *rows,
                                            float *out,
                                            int32_t out_pixel_stride,
                                            const float *weights,
                                            const float *bias)
{
    const int32_t outputs = p->input_channels * p->depth_multiplier;
    for (int32_t x = 0; x < p->output_width; ++x) {
        for (int32_t o = 0; o < outputs; ++o) {
            const float *weight = weights + o;
            float acc = 0.0f;
            for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
                const float *row = (const float *)rows[ky];
                int32_t column = x * p->stride_width - p->pad_left;
                for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
                    if (row != NULL && column >= 0 && column < p->input_width) {
                        acc += row[column * p->input_channels + o / p->depth_multiplier] * *weight;
                    }
                    weight += outputs;
                    column += p->dilation_width;
                }
            }
            acc += bias[o]; /* last, as in LiteRT: a sum depends on its order */
            acc = acc < p->low ? p->low : acc;
            out[o] = acc > p->high ? p->high : acc;
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_DEPTHWISE_CONV_2D_F32_H */
