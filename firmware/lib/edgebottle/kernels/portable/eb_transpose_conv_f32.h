/* Transpose of a 2-D convolution, float32, portable C: see eb_transpose_conv.h. */
#ifndef EB_TRANSPOSE_CONV_F32_H
#define EB_TRANSPOSE_CONV_F32_H

/* One output row. */
EB_KERNEL void eb_transpose_conv_f32_row(const eb_transpose_conv_f32 *p,
                                         const void *const *rows,
                                         int32_t y,
                                         float *out,
                                         int32_t out_pixel_stride,
                                         const float *weights,
                                         const float *bias)
{
    const int32_t first = (y + p->pad_top) % p->stride_height;
    for (int32_t x = 0; x < p->output_width; ++x) {
        for (int32_t o = 0; o < p->output_channels; ++o) {
            float acc = bias[o];
            const void *const *row = rows;
            for (int32_t ky = first; ky < p->kernel_height; ky += p->stride_height) {
                const float *pixels = (const float *)*row++;
                int32_t column = (x + p->pad_left) / p->stride_width;
                int32_t kx = (x + p->pad_left) % p->stride_width;
                for (; pixels != NULL && kx < p->kernel_width; kx += p->stride_width) {
                    if (column >= 0 && column < p->input_width) {
                        const int32_t tap = (o * p->kernel_height + ky) * p->kernel_width + kx;
                        const float *pixel = pixels + column * p->input_channels;
                        const float *weight = weights + tap * p->input_channels;
                        for (int32_t i = 0; i < p->input_channels; ++i) {
                            acc += pixel[i] * weight[i];
                        }
                    }
                    --column;
                }
            }
            acc = acc < p->low ? p->low : acc;
            out[o] = acc > p->high ? p->high : acc;
        }
        out += out_pixel_stride;
    }
}

#endif /* EB_TRANSPOSE_CONV_F32_H */
