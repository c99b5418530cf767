/* Depthwise 2-D convolution, int8, with SDOT: see eb_depthwise_conv_2d.h and eb_dot_tiles.h. The
 * depth multiplier is 1.
 *
 * Rows are woven four at a time, so that four values of a channel that lie below one another lie
 * side by side, with zero points around them: SDOT multiplies them with a column of a window.
 */
#ifndef EB_DEPTHWISE_S8_DOT_H
#define EB_DEPTHWISE_S8_DOT_H

#include "../../include/eb_conv_2d.h"
#include "eb_dot_tiles.h"

/* The parameters of a layer. */
typedef struct {
    eb_conv_2d conv;
    int32_t columns;     /* from the first one of the first window to the last one of the last */
    int32_t woven_bytes; /* of four rows: >= 4 * columns * channels, and 64 */
} eb_depthwise_dot;

/* `bytes` of each of four rows. */
static inline void eb_depthwise_weave(const int8_t *const rows[4], int32_t bytes, int8_t *to)
{
    int32_t at = 0;
    EB_ROLLED
    for (; at + 16 <= bytes; at += 16) {
        eb_neon_weave(rows, at, to + 4 * at);
    }
    if (at < bytes && bytes >= 16) {
        /* The last sixteen begin with some that are done already. */
        eb_neon_weave(rows, bytes - 16, to + 4 * (bytes - 16));
        return;
    }
    for (; at < bytes; ++at) {
        for (int32_t k = 0; k < 4; ++k) {
            to[4 * at + k] = rows[k][at];
        }
    }
}

/* All rows of a window. to: for each four of them woven_bytes, then a row of zero points. */
static inline void
eb_depthwise_weave_rows(const eb_depthwise_dot *p, const void *const *rows, int8_t *to)
{
    const eb_conv_2d *conv = &p->conv;
    const int32_t depth = conv->input_channels;
    const int32_t first = eb_max(-conv->pad_left, 0);
    const int32_t left = eb_min(eb_max(conv->pad_left, 0), p->columns);
    const int32_t inside = eb_max(eb_min(conv->input_width - first, p->columns - left), 0);
    const int32_t right = p->columns - left - inside;
    int8_t *outside = to + (conv->kernel_height + 3) / 4 * p->woven_bytes;
    int is_filled = 0;
    for (int32_t ky = 0; ky < conv->kernel_height; ky += 4) {
        const int8_t *four[4];
        for (int32_t k = 0; k < 4; ++k) {
            /* Behind the last row weights are zero, and any may stand there. */
            const void *row = rows[eb_min(ky + k, conv->kernel_height - 1)];
            if (row == NULL && !is_filled) {
                memset(outside, conv->input_zero_point, (size_t)(inside * depth));
                is_filled = 1;
            }
            four[k] = row == NULL ? outside : (const int8_t *)row + first * depth;
        }
        memset(to, conv->input_zero_point, (size_t)(4 * left * depth));
        eb_depthwise_weave(four, inside * depth, to + 4 * left * depth);
        memset(to + 4 * (left + inside) * depth, conv->input_zero_point,
               (size_t)(4 * right * depth));
        to += p->woven_bytes;
    }
}

/* The sums of `quads` of channels, with their biases; returns the weights of the next ones.
 * Constants: pixels, quads. */
EB_INLINED const int8_t *eb_depthwise_dot_sums(int32_t pixels,
                                               int32_t quads,
                                               const eb_depthwise_dot *p,
                                               const int8_t *woven,
                                               const int8_t *weights,
                                               const int32_t *scales,
                                               eb_neon_sums sums[4][4])
{
    const int32_t depth = 4 * p->conv.input_channels;
    const int32_t step = p->conv.stride_width * depth;
    const int32_t apart = p->conv.dilation_width * depth;
    eb_dot_begin(pixels, quads, scales, sums);
    int32_t ky = p->conv.kernel_height;
    EB_ROLLED
    do {
        const int8_t *from = woven;
        int32_t kx = p->conv.kernel_width;
        EB_ROLLED
        do {
            EB_UNROLLED
            for (int32_t q = 0; q < quads; ++q) {
                const eb_neon_fours weight = eb_neon_fours_load(weights + 16 * q);
                EB_UNROLLED
                for (int32_t i = 0; i < pixels; ++i) {
                    const eb_neon_fours values = eb_neon_fours_load(from + i * step + 16 * q);
                    sums[i][q] = eb_neon_dot_fours(sums[i][q], weight, values);
                }
            }
            weights += 16 * quads;
            from += apart;
        } while (--kx != 0);
        woven += p->woven_bytes;
        ky -= 4;
    } while (ky > 0);
    return weights;
}

/* Some quads of channels, and on to the next ones. */
EB_INLINED const int8_t *eb_depthwise_dot_quads(int32_t pixels,
                                                int32_t quads,
                                                const eb_depthwise_dot *p,
                                                const int8_t *woven,
                                                const int8_t *weights,
                                                eb_dot_outputs *to)
{
    eb_neon_sums sums[4][4];
    const int32_t done = p->conv.output_channels - to->channels;
    weights = eb_depthwise_dot_sums(pixels, quads, p, woven + 4 * done, weights, to->scales, sums);
    eb_dot_store(pixels, quads, 0, to, sums);
    eb_dot_next(quads, to);
    return weights;
}

/* All channels of `pixels`, a constant: in fours of quads, then two, then one. */
EB_INLINED void eb_depthwise_dot_pixels(int32_t pixels,
                                        const eb_depthwise_dot *p,
                                        const int8_t *woven,
                                        const int8_t *weights,
                                        const eb_dot_outputs *outputs)
{
    const eb_depthwise_dot own = *p; /* which no output can be part of */
    eb_dot_outputs to = *outputs;
    while (to.channels > 12) {
        weights = eb_depthwise_dot_quads(pixels, 4, &own, woven, weights, &to);
    }
    if (to.channels > 4) {
        weights = eb_depthwise_dot_quads(pixels, 2, &own, woven, weights, &to);
    }
    if (to.channels > 0) {
        eb_depthwise_dot_quads(pixels, 1, &own, woven, weights, &to);
    }
}

typedef void eb_depthwise_dot_tile(const eb_depthwise_dot *p,
                                   const int8_t *woven,
                                   const int8_t *weights,
                                   const eb_dot_outputs *outputs);

/* A tile of so many pixels. */
#define EB_DEPTHWISE_DOT_TILE(NAME, PIXELS)                                                        \
    EB_KERNEL void NAME(const eb_depthwise_dot *p, const int8_t *woven, const int8_t *weights,     \
                        const eb_dot_outputs *outputs)                                             \
    {                                                                                              \
        eb_depthwise_dot_pixels(PIXELS, p, woven, weights, outputs);                               \
    }

EB_DEPTHWISE_DOT_TILE(eb_depthwise_dot_1, 1)
EB_DEPTHWISE_DOT_TILE(eb_depthwise_dot_2, 2)
EB_DEPTHWISE_DOT_TILE(eb_depthwise_dot_3, 3)
EB_DEPTHWISE_DOT_TILE(eb_depthwise_dot_4, 4)

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/dot_packing.py; scratch: for each four rows of a window
 * woven_bytes, then as many bytes as an input row has under the output row.
 */
EB_KERNEL void eb_depthwise_conv_2d_s8_dot_row(const eb_depthwise_dot *p,
                                               const void *const *rows,
                                               int8_t *out,
                                               int32_t out_pixel_stride,
                                               const int8_t *weights,
                                               const int32_t *scales,
                                               void *scratch)
{
    static eb_depthwise_dot_tile *const tiles[5] = {NULL, eb_depthwise_dot_1, eb_depthwise_dot_2,
                                                    eb_depthwise_dot_3, eb_depthwise_dot_4};
    const eb_conv_2d *conv = &p->conv;
    const int8_t *woven = (const int8_t *)scratch;
    eb_dot_outputs outputs = {scales,
                              out,
                              out_pixel_stride,
                              conv->output_channels,
                              {conv->output_zero_point, conv->low, conv->high}};
    eb_depthwise_weave_rows(p, rows, (int8_t *)scratch);
    for (int32_t left = conv->output_width; left > 0; left -= 4) {
        const int32_t count = eb_min(left, 4);
        tiles[count](p, woven, weights, &outputs);
        woven += 4 * count * conv->stride_width * conv->input_channels;
        outputs.out += count * out_pixel_stride;
    }
}

#endif /* EB_DEPTHWISE_S8_DOT_H */
