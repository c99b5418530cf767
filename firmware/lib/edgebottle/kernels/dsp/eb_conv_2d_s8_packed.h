/* 2-D convolution, int8, with packed weights: see eb_conv_2d.h and eb_tile_s8.h. No groups. */
#ifndef EB_CONV_2D_S8_PACKED_H
#define EB_CONV_2D_S8_PACKED_H

#include "eb_tile_s8.h"

/* Copies `count` bytes; may write up to three more, and read as many if `may_pass`. */
static inline void eb_packed_copy(const int8_t *from, int8_t *to, int32_t count, int may_pass)
{
    int32_t left = count;
    for (; left >= (may_pass ? 1 : 4); left -= 4) {
        eb_store_word(to, eb_load_word(from));
        from += 4;
        to += 4;
    }
    for (; left > 0; --left) {
        *to++ = *from++;
    }
}

/* Writes `count` times the input's zero point, and perhaps up to three times more. */
static inline void eb_packed_fill(const eb_conv_2d *p, int8_t *to, int32_t count)
{
    const uint32_t word = ((uint32_t)p->input_zero_point & 0xffu) * 0x01010101u;
    for (int32_t left = count; left > 0; left -= 4) {
        eb_store_word(to, word);
        to += 4;
    }
}

/* One row of a window with gaps between its taps. */
static inline void
eb_packed_collect_dilated(const eb_conv_2d *p, const int8_t *row, int32_t column, int8_t *to)
{
    const int32_t depth = p->input_channels;
    for (int32_t tap = 0; tap < p->kernel_width; ++tap) {
        const int32_t x = column + tap * p->dilation_width;
        if (row != NULL && x >= 0 && x < p->input_width) {
            eb_packed_copy(row + x * depth, to, depth, 0);
        } else {
            eb_packed_fill(p, to, depth);
        }
        to += depth;
    }
}

/* Copies a window's values as bytes, and zeros up to a multiple of four; may write three more. */
EB_KERNEL void
eb_packed_collect(const eb_conv_2d *p, const void *const *rows, int32_t column, int8_t *to)
{
    const int32_t depth = p->input_channels;
    const int32_t run = p->kernel_width * depth;
    /* The taps that lie in the image. */
    const int32_t first = eb_clamp(-column, 0, p->kernel_width);
    const int32_t end = eb_clamp(p->input_width - column, first, p->kernel_width);
    const int32_t before = first * depth;
    const int32_t inside = (end - first) * depth;
    const int32_t start = (column + first) * depth;
    const int may_pass = start + inside + 3 <= p->input_width * depth;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        if (p->dilation_width != 1) {
            eb_packed_collect_dilated(p, row, column, to);
        } else if (row == NULL) {
            eb_packed_fill(p, to, run);
        } else {
            eb_packed_fill(p, to, before);
            eb_packed_copy(row + start, to + before, inside, may_pass);
            eb_packed_fill(p, to + before + inside, run - before - inside);
        }
        to += run;
    }
    eb_store_word(to, 0);
}

/* Widens the windows of two pixels. The input's channels are a multiple of four.
 *
 * outside: a pixel of zero points.
 */
EB_KERNEL void eb_packed_gather(const eb_conv_2d *p,
                                const void *const *rows,
                                int32_t column,
                                uint32_t *to,
                                const int8_t *outside)
{
    const int32_t depth = p->input_channels;
    const int32_t dilation = p->dilation_width;
    const int32_t width = p->input_width;
    const int32_t other = column + p->stride_width;
    const int is_whole = dilation == 1 && column >= 0 && other + p->kernel_width <= width;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        if (is_whole && row != NULL) {
            to = eb_widen_2(row + column * depth, row + other * depth, to,
                            p->kernel_width * depth >> 2);
            continue;
        }
        for (int32_t tap = 0; tap < p->kernel_width; ++tap) {
            const int32_t a = column + tap * dilation;
            const int32_t b = other + tap * dilation;
            to = eb_widen_2(row != NULL && a >= 0 && a < width ? row + a * depth : outside,
                            row != NULL && b >= 0 && b < width ? row + b * depth : outside, to,
                            depth >> 2);
        }
    }
}

/* One output row; weights and requant: see eb_tile. */
EB_KERNEL void eb_conv_2d_s8_packed_row(const eb_conv_2d *p,
                                        const void *const *rows,
                                        int8_t *out,
                                        int32_t out_pixel_stride,
                                        const uint32_t *weights,
                                        const int32_t *requant,
                                        void *scratch)
{
    const int32_t depth = p->input_channels;
    const int32_t window = p->kernel_height * p->kernel_width * depth;
    const int32_t taps = (window + 3) & ~3;
    const int32_t stride = p->stride_width;
    const int32_t channels = p->output_channels;
    const int32_t last = (p->output_width - 1) * stride;
    const int is_fours = (depth & 3) == 0;
    /* Windows of one pixel that all lie in the image need no gathering. */
    const int8_t *pixels = is_fours && window == depth && p->pad_left == 0 && last < p->input_width
                               ? (const int8_t *)rows[0]
                               : NULL;
    int8_t *bytes = (int8_t *)scratch + (p->output_width > 1 ? 4 * taps : 0);
    int32_t column = -p->pad_left;
    int32_t x = 0;
    eb_tile t;
    eb_tile_output(&t, p->output_zero_point, p->low, p->high);
    t.weights = weights;
    t.weight_bytes = 4 * taps;
    t.out_stride = out_pixel_stride;
    t.values = scratch;
    if (is_fours && pixels == NULL) {
        for (int32_t i = 0; i < depth; ++i) {
            bytes[i] = (int8_t)p->input_zero_point;
        }
    }
    for (; x + 2 <= p->output_width; x += 2) {
        if (pixels != NULL) {
            const int8_t *from = pixels + column * depth;
            (void)eb_widen_2(from, from + stride * depth, (uint32_t *)scratch, taps >> 2);
        } else if (is_fours) {
            eb_packed_gather(p, rows, column, (uint32_t *)scratch, bytes);
        } else {
            eb_packed_collect(p, rows, column, bytes);
            eb_packed_collect(p, rows, column + stride, bytes + taps + 4);
            (void)eb_widen_2(bytes, bytes + taps + 4, (uint32_t *)scratch, taps >> 2);
        }
        eb_tile_run(&t, 2, requant, out, channels);
        column += 2 * stride;
        out += 2 * out_pixel_stride;
    }
    if (x < p->output_width) {
        if (pixels != NULL) {
            t.values = pixels + column * depth;
        } else {
            eb_packed_collect(p, rows, column, (int8_t *)scratch);
        }
        eb_tile_run(&t, 1, requant, out, channels);
    }
}

#endif /* EB_CONV_2D_S8_PACKED_H */
