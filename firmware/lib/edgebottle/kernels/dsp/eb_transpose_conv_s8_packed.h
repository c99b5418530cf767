/* Transpose of a 2-D convolution, int8, with packed weights: see eb_transpose_conv.h. */
#ifndef EB_TRANSPOSE_CONV_S8_PACKED_H
#define EB_TRANSPOSE_CONV_S8_PACKED_H

/* One output row.
 *
 * weights, scales: see eb_conv_2d_s8_packed_row, for one phase after the other. phases: for each,
 * row by row, where its weights and its scales begin.
 */
EB_KERNEL void eb_transpose_conv_s8_packed_row(const eb_transpose_conv *p,
                                               const void *const *rows,
                                               int32_t y,
                                               int8_t *out,
                                               int32_t out_pixel_stride,
                                               const uint32_t *weights,
                                               const int32_t *scales,
                                               const int32_t *phases,
                                               void *scratch)
{
    const int32_t step = p->stride_width;
    const int32_t row = (y + p->pad_top) % p->stride_height;
    for (int32_t x = 0; x < eb_min(step, p->output_width); ++x) {
        const eb_conv_2d part = eb_transpose_conv_part(p, row, x);
        const int32_t *phase = phases + 2 * (row * step + (x + p->pad_left) % step);
        eb_conv_2d_s8_packed_row(&part, rows, out, step * out_pixel_stride, weights + phase[0],
                                 scales + phase[1], scratch);
        out += out_pixel_stride;
    }
}

#endif /* EB_TRANSPOSE_CONV_S8_PACKED_H */
