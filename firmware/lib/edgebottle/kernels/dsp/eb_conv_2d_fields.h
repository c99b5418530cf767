/* 2-D convolution with weights and inputs of few bits: see eb_conv_2d.h and eb_fields.h. */
#ifndef EB_CONV_2D_FIELDS_H
#define EB_CONV_2D_FIELDS_H

#include "eb_fields.h"

/* Whether the windows of `count` pixels from `column` on lie in the image. */
static inline int eb_fields_inside(const eb_conv_2d *p, int32_t column, int32_t count)
{
    const int32_t end = column + (count - 1) * p->stride_width + p->kernel_width;
    return p->dilation_width == 1 && column >= 0 && end <= p->input_width;
}

/* One output row.
 *
 * p: input_channels counts the bytes of a pixel, and input_zero_point is a byte of codes that are
 * the zero point. rows: of packed codes. out: int8, or 4 bits where f's tiles make such. weights,
 * requant: see eb_fields and eb_tile. scratch: of a tile, 8 bytes for each of f->taps; and for each
 * pixel of it the bytes of a window rounded up to fours, and four.
 */
EB_KERNEL void eb_conv_2d_fields_row(const eb_conv_2d *p,
                                     const void *const *rows,
                                     void *out,
                                     int32_t out_pixel_stride,
                                     const eb_fields *f,
                                     const uint32_t *weights,
                                     const int32_t *requant,
                                     void *scratch)
{
    const int32_t run = p->kernel_width * p->input_channels;
    const int32_t window = p->kernel_height * run;
    const int32_t apart = ((window + 3) & ~3) + 4;
    const int32_t stride = p->stride_width * p->input_channels;
    const int32_t has_rows = eb_packed_rows_inside(p, rows);
    uint32_t *values = (uint32_t *)scratch;
    uint8_t *bytes = (uint8_t *)scratch + 8 * f->taps;
    int8_t *to_pixel = (int8_t *)out;
    eb_fields_tile t;
    t.twice_step = 2 * f->step;
    t.low = p->low;
    t.stride = out_pixel_stride;
    t.values = values;
    t.weight_bytes = 4u * (uint32_t)f->words;
    for (int32_t x = 0; x < p->output_width;) {
        const int32_t rest = p->output_width - x;
        const int32_t half = rest <= EB_FIELDS_PIXELS / 2;
        const int32_t pixels = half ? EB_FIELDS_PIXELS / 2 : EB_FIELDS_PIXELS;
        const int32_t count = eb_min(rest, pixels);
        const int32_t column = x * p->stride_width - p->pad_left;
        for (int32_t k = 0; k < EB_FIELDS_PIXELS; ++k) {
            t.base[k] = 0;
        }
        if (has_rows && count == pixels && eb_fields_inside(p, column, count)) {
            uint32_t *to = values;
            for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
                const uint8_t *from = (const uint8_t *)rows[ky] + column * p->input_channels;
                f->spread(from, stride, run, half, to, t.base);
                to += run * (8 / f->bits) * (half ? 1 : 2);
            }
        } else {
            for (int32_t k = 0; k < pixels; ++k) {
                const int32_t last = eb_min(k, count - 1) * p->stride_width;
                eb_packed_collect(p, rows, column + last, (int8_t *)bytes + k * apart);
            }
            f->spread(bytes, apart, window, half, values, t.base);
        }
        for (int32_t k = 0; k < pixels; ++k) {
            t.base[k] *= 2 * f->lowest;
        }
        t.weights = weights;
        t.requant = requant;
        t.out = to_pixel;
        t.channels = p->output_channels;
        t.last_stride = count == pixels ? out_pixel_stride : 0;
        (half ? f->half : f->whole)(&t);
        to_pixel += count * out_pixel_stride;
        x += count;
    }
}

#endif /* EB_CONV_2D_FIELDS_H */
