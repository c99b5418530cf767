/* Transpose of a 2-D convolution, int8, by the fast kernels of CONV_2D: see eb_transpose_conv.h. */
#ifndef EB_TRANSPOSE_CONV_S8_PHASES_H
#define EB_TRANSPOSE_CONV_S8_PHASES_H

/* Defines NAME, which computes one output row by ROW, a kernel of CONV_2D with weights of WEIGHT.
 *
 * weights, scales: see ROW, for one phase after the other. phases: COLUMNS numbers for each, row by
 * row: where its weights and its scales begin, and what else ROW is given. The last arguments of
 * the macro are those of ROW behind the scales.
 */
#define EB_TRANSPOSE_CONV_S8_PHASES(NAME, ROW, WEIGHT, COLUMNS, ...)                               \
    EB_KERNEL void NAME(const eb_transpose_conv *p, const void *const *rows, int32_t y,            \
                        int8_t *out, int32_t out_pixel_stride, const WEIGHT *weights,              \
                        const int32_t *scales, const int32_t *phases, void *scratch)               \
    {                                                                                              \
        const int32_t step = p->stride_width;                                                      \
        const int32_t row = (y + p->pad_top) % p->stride_height;                                   \
        for (int32_t x = 0; x < eb_min(step, p->output_width); ++x) {                              \
            const eb_conv_2d part = eb_transpose_conv_part(p, row, x);                             \
            const int32_t *phase = phases + COLUMNS * (row * step + (x + p->pad_left) % step);     \
            ROW(&part, rows, out, step * out_pixel_stride, weights + phase[0], scales + phase[1],  \
                __VA_ARGS__);                                                                      \
            out += out_pixel_stride;                                                               \
        }                                                                                          \
    }

#if EB_HAVE_DSP
EB_TRANSPOSE_CONV_S8_PHASES(
    eb_transpose_conv_s8_packed_row, eb_conv_2d_s8_packed_row, uint32_t, 2, scratch)
#else
EB_TRANSPOSE_CONV_S8_PHASES(eb_transpose_conv_s8_triple_row,
                            eb_conv_2d_s8_triple_row,
                            int8_t,
                            4,
                            phase[2], /* has_pivot */
                            phase[3], /* segment */
                            scratch)
#endif
EB_TRANSPOSE_CONV_S8_PHASES(eb_transpose_conv_s8_mve_row, eb_conv_2d_s8_mve_row, int8_t, 2, scratch)

#endif /* EB_TRANSPOSE_CONV_S8_PHASES_H */
