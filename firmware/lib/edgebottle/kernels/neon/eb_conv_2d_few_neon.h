/* 2-D convolution, weights and mostly inputs of few bits, with NEON: see eb_conv_2d.h and eb_few.h.
 * No groups. */
#ifndef EB_CONV_2D_FEW_NEON_H
#define EB_CONV_2D_FEW_NEON_H

#include "eb_few.h"
#include "eb_few_spread.h"

/* The parameters of a layer. conv: input_channels counts the stored bytes of a pixel, and
 * input_zero_point is a code. */
typedef struct {
    eb_conv_2d conv;
    eb_few_rows rows;
    eb_few few;
} eb_conv_2d_few;

/* The sum of a window, of such sums. */
static inline int32_t eb_few_window_sum(const eb_conv_2d_few *p, const uint8_t *sums)
{
    const int is_run = p->conv.dilation_width == 1;
    const int32_t bytes = p->rows.column * (is_run ? p->conv.kernel_width : 1);
    int32_t total = 0;
    for (int32_t runs = is_run ? 1 : p->conv.kernel_width; runs > 0; --runs) {
        total += eb_bytes_total(sums, bytes);
        sums += p->rows.column * p->conv.dilation_width;
    }
    return total;
}

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/few_packing.py; scratch: kernel_height rows of
 * rows.row_bytes, and behind them rows.plane_bytes.
 */
EB_KERNEL void eb_conv_2d_few_neon_row(const eb_conv_2d_few *p,
                                       const void *const *rows,
                                       int8_t *out,
                                       int32_t out_pixel_stride,
                                       const int8_t *weights,
                                       const int32_t *scales,
                                       void *scratch)
{
    const eb_conv_2d *conv = &p->conv;
    uint8_t *sums = (uint8_t *)scratch + conv->kernel_height * p->rows.row_bytes;
    eb_few_tile t;
    t.few = &p->few;
    t.weights = (const uint8_t *)weights;
    t.scales = scales;
    t.out_stride = out_pixel_stride;
    t.channels = conv->output_channels;
    t.output.zero_point = conv->output_zero_point;
    t.output.low = conv->low;
    t.output.high = conv->high;
    for (int32_t i = 0; i < 4; ++i) {
        t.base[i] = 0;
    }
    eb_few_spread_rows(conv, &p->rows, rows, (uint8_t *)scratch);
    if (p->few.lowest != 0) {
        eb_few_byte_sums(&p->rows, conv->kernel_height, (const uint8_t *)scratch, sums);
    }
    for (int32_t x = 0; x < conv->output_width;) {
        const int32_t rest = conv->output_width - x;
        const int32_t pixels = rest > 1 && conv->output_width >= 4 ? 4 : 1;
        /* The last four may begin with some that are done already. */
        const int32_t first = eb_min(x, conv->output_width - pixels);
        t.window = (const uint8_t *)scratch + first * p->few.pixel;
        t.out = out + first * out_pixel_stride;
        for (int32_t i = 0; i < pixels && p->few.lowest != 0; ++i) {
            const int32_t at = (first + i) * p->few.pixel;
            t.base[i] = p->few.lowest * eb_few_window_sum(p, sums + at);
        }
        (pixels == 4 ? p->few.four : p->few.one)(&t);
        x = first + pixels;
    }
}

#endif /* EB_CONV_2D_FEW_NEON_H */
