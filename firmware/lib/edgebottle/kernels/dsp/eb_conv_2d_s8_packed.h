/* 2-D convolution, int8, with packed weights: see eb_conv_2d.h and eb_tile_s8.h. No groups. */
#ifndef EB_CONV_2D_S8_PACKED_H
#define EB_CONV_2D_S8_PACKED_H

#include "eb_tile_s8.h"

/* Copies `count` bytes; may write up to three more, and read as many if `may_pass`. */
static inline void eb_packed_copy(const int8_t *from, int8_t *to, int32_t count, int may_pass)
{
    const int32_t least = may_pass ? 1 : 4;
#pragma GCC unroll 1
    for (; count >= least; count -= 4) {
        eb_store_word(to, eb_load_word(from));
        from += 4;
        to += 4;
    }
#pragma GCC unroll 1
    for (; count > 0; --count) {
        *to++ = *from++;
    }
}

/* Four times the input's zero point. */
static inline uint32_t eb_packed_outside(const eb_conv_2d *p)
{
    return ((uint32_t)p->input_zero_point & 0xffu) * 0x01010101u;
}

/* Writes `count` bytes of equal ones, those of `word`, and perhaps up to three more. */
static inline void eb_packed_fill(uint32_t word, int8_t *to, int32_t count)
{
#pragma GCC unroll 1
    for (; count > 0; count -= 4) {
        eb_store_word(to, word);
        to += 4;
    }
}

/* Copies a window's values as bytes, and zeros up to a multiple of four; may write three more. */
EB_KERNEL void
eb_packed_collect(const eb_conv_2d *p, const void *const *rows, int32_t column, int8_t *to)
{
    const int32_t depth = p->input_channels;
    const int32_t width = p->input_width;
    /* Runs of taps that lie side by side, and how much of a run lies before and in the image. */
    const int32_t taps = p->dilation_width != 1 ? 1 : p->kernel_width;
    const int32_t run = taps * depth;
    const uint32_t outside = eb_packed_outside(p);
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        for (int32_t tap = 0; tap < p->kernel_width; tap += taps) {
            const int32_t x = column + tap * p->dilation_width;
            const int32_t first = eb_clamp(-x, 0, taps);
            const int32_t before = first * depth;
            const int32_t inside = (eb_clamp(width - x, first, taps) - first) * depth;
            const int32_t start = x * depth + before;
            const int may_pass = start + ((inside + 3) & ~3) <= width * depth;
            if (row != NULL) {
                eb_packed_fill(outside, to, before);
                eb_packed_copy(row + start, to + before, inside, may_pass);
            }
            const int32_t done = row != NULL ? before + inside : 0;
            eb_packed_fill(outside, to + done, run - done);
            to += run;
        }
    }
    eb_store_word(to, 0);
}

/* The same of two pixels, `step` bytes apart, from windows that lie in rows of the image with
 * whatever fills their last words. */
static inline void eb_packed_collect_2(const eb_conv_2d *p,
                                       const void *const *rows,
                                       int32_t start,
                                       int32_t step,
                                       int8_t *to,
                                       int8_t *to1)
{
    const int32_t run = p->kernel_width * p->input_channels;
    const void *const *end = rows + p->kernel_height;
    for (; rows != end; ++rows) {
        const int8_t *from = (const int8_t *)*rows + start;
#pragma GCC unroll 1
        for (int32_t i = 0; i < run; i += 4) {
            const uint32_t second = eb_load_word(from + step + i);
            eb_store_word(to + i, eb_load_word(from + i));
            eb_store_word(to1 + i, second);
        }
        to += run;
        to1 += run;
    }
    eb_store_word(to, 0);
    eb_store_word(to1, 0);
}

/* Whether every row of a window lies in the image. */
static inline int eb_packed_rows_inside(const eb_conv_2d *p, const void *const *rows)
{
    int inside = 1;
#pragma GCC unroll 1
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        inside &= rows[ky] != NULL;
    }
    return inside;
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

/* Where a row's values come from. */
typedef struct {
    const eb_conv_2d *p;
    const void *const *rows;
    const int8_t *pixels; /* windows of one pixel, all in the image: nothing to gather; else NULL */
    int8_t *bytes;        /* for two windows; or a pixel of zero points, for fours of channels */
    int8_t *scratch;      /* for what the tiles read */
    int32_t last_inside;  /* columns up to this have windows for eb_packed_collect_2 */
    int32_t taps;         /* of a window, in fours */
} eb_packed_source;

/* Finds out how to read a row. */
static inline eb_packed_source
eb_packed_begin(const eb_conv_2d *p, const void *const *rows, int8_t *scratch)
{
    const int32_t depth = p->input_channels;
    const int32_t window = p->kernel_height * p->kernel_width * depth;
    const int32_t stride = p->stride_width;
    const int is_fours = (depth & 3) == 0;
    eb_packed_source s = {p, rows, NULL, scratch, scratch, -1, (window + 3) & ~3};
    if (p->output_width > 1) {
        s.bytes += 4 * s.taps;
    }
    if (is_fours && window == depth && p->pad_left == 0 &&
        (p->output_width - 1) * stride < p->input_width) {
        s.pixels = (const int8_t *)rows[0];
    }
    if (is_fours && s.pixels == NULL) {
        eb_packed_fill(eb_packed_outside(p), s.bytes, depth);
    }
    if (p->dilation_width == 1 && eb_packed_rows_inside(p, rows)) {
        const int32_t run = p->kernel_width * depth;
        const int32_t passed = (-run & 3) + depth - 1;
        s.last_inside = p->input_width - p->kernel_width - stride - passed / depth;
    }
    return s;
}

/* The values of the window at `column`, or of it and the next. */
static inline const void *eb_packed_values(const eb_packed_source *s, int32_t column, int is_pair)
{
    const eb_conv_2d *p = s->p;
    const int32_t depth = p->input_channels;
    const int32_t stride = p->stride_width;
    uint32_t *to = (uint32_t *)(void *)s->scratch;
    if (s->pixels != NULL) {
        const int8_t *from = s->pixels + column * depth;
        if (!is_pair) {
            return from;
        }
        (void)eb_widen_2(from, from + stride * depth, to, s->taps >> 2);
    } else if (!is_pair) {
        eb_packed_collect(p, s->rows, column, s->scratch);
    } else if ((depth & 3) == 0) {
        eb_packed_gather(p, s->rows, column, to, s->bytes);
    } else {
        int8_t *other = s->bytes + s->taps + 4;
        if (column >= 0 && column <= s->last_inside) {
            eb_packed_collect_2(p, s->rows, column * depth, stride * depth, s->bytes, other);
        } else {
            eb_packed_collect(p, s->rows, column, s->bytes);
            eb_packed_collect(p, s->rows, column + stride, other);
        }
        (void)eb_widen_2(s->bytes, other, to, s->taps >> 2);
    }
    return to;
}

/* One output row; weights and requant: see eb_tile. tiles: NULL for outputs of int8. */
EB_INLINED void eb_conv_2d_s8_packed_row_with(const eb_conv_2d *p,
                                              const void *const *rows,
                                              int8_t *out,
                                              int32_t out_pixel_stride,
                                              const uint32_t *weights,
                                              const int32_t *requant,
                                              void *scratch,
                                              const eb_bits_tiles *tiles)
{
    const eb_packed_source source = eb_packed_begin(p, rows, (int8_t *)scratch);
    int32_t column = -p->pad_left;
    eb_tile t;
    eb_tile_place(&t, p->output_zero_point, p->low, p->high);
    t.weights = weights;
    t.weight_bytes = 4 * source.taps;
    t.out_stride = out_pixel_stride;
    for (int32_t x = 0; x < p->output_width; x += 2) {
        const int is_pair = x + 1 < p->output_width;
        t.values = eb_packed_values(&source, column, is_pair);
        if (tiles == NULL) {
            eb_run_tile(&t, is_pair, requant, out, p->output_channels);
        } else {
            eb_run_bits_tile(is_pair ? tiles->pair : tiles->single, &t, is_pair, requant, out,
                             p->output_channels, tiles->bits);
        }
        column += 2 * p->stride_width;
        out += 2 * out_pixel_stride;
    }
}

EB_INLINED void eb_conv_2d_s8_packed_row_inlined(const eb_conv_2d *p,
                                                 const void *const *rows,
                                                 int8_t *out,
                                                 int32_t out_pixel_stride,
                                                 const uint32_t *weights,
                                                 const int32_t *requant,
                                                 void *scratch)
{
    eb_conv_2d_s8_packed_row_with(p, rows, out, out_pixel_stride, weights, requant, scratch, NULL);
}

EB_ROW void eb_conv_2d_s8_packed_row(const eb_conv_2d *p,
                                     const void *const *rows,
                                     int8_t *out,
                                     int32_t out_pixel_stride,
                                     const uint32_t *weights,
                                     const int32_t *requant,
                                     void *scratch)
{
    eb_conv_2d_s8_packed_row_inlined(p, rows, out, out_pixel_stride, weights, requant, scratch);
}

/* The same with outputs of few bits, which out_pixel_stride still counts in bytes. */
EB_KERNEL void eb_conv_2d_s8_packed_bits_row(const eb_conv_2d *p,
                                             const void *const *rows,
                                             uint8_t *out,
                                             int32_t out_pixel_stride,
                                             const eb_bits_tiles *tiles,
                                             const uint32_t *weights,
                                             const int32_t *requant,
                                             void *scratch)
{
    eb_conv_2d_s8_packed_row_with(p, rows, (int8_t *)out, out_pixel_stride, weights, requant,
                                  scratch, tiles);
}

/* All output rows. kernel_height: at most EB_WALK_ROWS. is_shared: a constant: not 0 if layers that
 * run row by row share its rows. */
EB_INLINED void eb_conv_2d_s8_packed_layer_by(int is_shared, const eb_conv_2d_packed *layer)
{
    const void *rows[EB_WALK_ROWS];
    EB_ROLLED
    for (int32_t y = 0; y < layer->walk.output_rows; ++y) {
        int8_t *out = (int8_t *)eb_walk_to(&layer->walk, y, layer->params.kernel_height, rows);
        const uint32_t *weights = (const uint32_t *)layer->weights;
        void *scratch = eb_scratch(layer->scratch);
        if (is_shared) {
            eb_conv_2d_s8_packed_row(&layer->params, rows, out, layer->out_pixel_stride, weights,
                                     layer->requant, scratch);
        } else {
            eb_conv_2d_s8_packed_row_inlined(&layer->params, rows, out, layer->out_pixel_stride,
                                             weights, layer->requant, scratch);
        }
    }
}

EB_INLINED void eb_conv_2d_s8_packed_layer_inlined(const eb_conv_2d_packed *layer)
{
    eb_conv_2d_s8_packed_layer_by(0, layer);
}

EB_KERNEL void eb_conv_2d_s8_packed_layer(const eb_conv_2d_packed *layer)
{
    eb_conv_2d_s8_packed_layer_by(1, layer);
}

/* Copies weights and requant, from flash that makes the core wait to RAM that does not. */
EB_INLINED void eb_conv_2d_s8_packed_copy(const eb_conv_2d_copied *layer)
{
    uint32_t *to = (uint32_t *)eb_scratch((void *)(uintptr_t)layer->packed.weights);
    const uint32_t *from = layer->from;
    int32_t words = layer->words;
#if defined(__ARM_FEATURE_DSP)
    __asm__ volatile("1:\n"
                     "ldmia %0!, {r4, r5}\n"
                     "stmia %1!, {r4, r5}\n"
                     "ldmia %0!, {r4, r5}\n"
                     "stmia %1!, {r4, r5}\n"
                     "subs %2, %2, #4\n"
                     "bne 1b\n"
                     : "+l"(from), "+l"(to), "+l"(words)
                     :
                     : "r4", "r5", "cc", "memory");
#else
    for (; words > 0; --words) {
        *to++ = *from++;
    }
#endif
}

EB_INLINED void eb_conv_2d_s8_packed_copied_layer_inlined(const eb_conv_2d_copied *layer)
{
    eb_conv_2d_s8_packed_copy(layer);
    eb_conv_2d_s8_packed_layer_inlined(&layer->packed);
}

EB_KERNEL void eb_conv_2d_s8_packed_copied_layer(const eb_conv_2d_copied *layer)
{
    eb_conv_2d_s8_packed_copy(layer);
    eb_conv_2d_s8_packed_layer(&layer->packed);
}

#endif /* EB_CONV_2D_S8_PACKED_H */
