/* 2-D convolution with weights and inputs of 1 bit: see eb_conv_2d.h and eb_counts.h. */
#ifndef EB_CONV_2D_COUNTS_H
#define EB_CONV_2D_COUNTS_H

#include "eb_counts.h"

/* One output row.
 *
 * p: input_channels counts the bytes of a pixel, and input_zero_point is a byte of codes that are
 * the zero point. rows: of packed codes. weights, requant: see eb_counts_tile. scratch: 12 bytes
 * for each of c->words, and four.
 */
EB_KERNEL void eb_conv_2d_counts_row(const eb_conv_2d *p,
                                     const void *const *rows,
                                     int8_t *out,
                                     int32_t out_pixel_stride,
                                     const eb_counts *c,
                                     const uint32_t *weights,
                                     const int32_t *requant,
                                     void *scratch)
{
    uint32_t *values = (uint32_t *)scratch;
    uint8_t *window = (uint8_t *)(values + 2 * c->words);
    int32_t column = -p->pad_left;
    eb_counts_tile t;
    t.twice_step = 2 * c->step;
    t.low = p->low;
    t.span = p->high - p->low;
    t.values = values;
    t.weight_bytes = 4u * (uint32_t)c->words;
    for (int32_t x = 0; x < p->output_width; ++x) {
        eb_packed_collect(p, rows, column, (int8_t *)window);
        t.base = 2 * c->lowest * eb_counts_split(window, c->words, values);
        t.requant = requant;
        t.weights = weights;
        t.out = out;
        t.channels = p->output_channels;
        c->tile(&t);
        column += p->stride_width;
        out += out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_COUNTS_H */
