/* 2-D convolution, float32, portable C: see eb_conv_2d.h. */
#ifndef EB_CONV_2D_F32_H
#define EB_CONV_2D_F32_H

/* One output row. Operands as in the int8 kernel; the bias is the plain one. */
EB_KERNEL void eb_conv_2d_f32_row(const eb_conv_2d_f32 *p,
                                  const void *const *rows,
                                  float *out,
                                  int32_t out_pixel_stride,
                                  const float *weights,
                                  const float *bias)
{
    const int32_t group_inputs = p->input_channels / p->groups;
    const int32_t group_outputs = p->output_channels / p->groups;
    for (int32_t x = 0; x < p->output_width; ++x) {
        const float *weight = weights;
        for (int32_t o = 0; o < p->output_channels; ++o) {
            const int32_t channel = o / group_outputs * group_inputs;
            float acc = 0.0f;
            for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
                const float *row = (const float *)rows[ky];
                int32_t column = x * p->stride_width - p->pad_left;
                for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
                    if (row != NULL && column >= 0 && column < p->input_width) {
                        const float *pixel = row + column * p->input_channels + channel;
                        for (int32_t i = 0; i < group_inputs; ++i) {
                            acc += pixel[i] * weight[i];
                        }
                    }
                    weight += group_inputs;
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

#endif /* EB_CONV_2D_F32_H */
