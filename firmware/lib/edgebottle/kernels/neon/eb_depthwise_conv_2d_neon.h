/* Depthwise 2-D convolution, int8 or codes of few bits, with NEON: see eb_depthwise_conv_2d.h and
 * eb_few_spread.h. The depth multiplier is 1.
 *
 * Rows are spread to bytes. Sixteen channels of four pixels are computed together: products of int8
 * are summed up as int16 over a block of taps, in which no sum leaves its lane, and then as int32.
 */
#ifndef EB_DEPTHWISE_CONV_2D_NEON_H
#define EB_DEPTHWISE_CONV_2D_NEON_H

#include "../../include/eb_conv_2d.h"
#include "eb_few_spread.h"

/* Channels that are computed together; as in edgebottle/ops/depthwise_neon.py. */
#define EB_DEPTHWISE_NEON_CHANNELS 16

/* The parameters of a layer.
 *
 * conv: input_channels counts the stored bytes of a pixel, and input_zero_point is a code.
 * blocks: for each block, the number of its taps; then of each tap the bytes from the first value
 * of a window to its own.
 */
typedef struct {
    eb_conv_2d conv;
    eb_few_rows rows;
    const int32_t *blocks;
    int32_t block_count;
    int32_t pixel; /* bytes from a window to the next one */
    int32_t step;  /* of sums, to those of the weights */
} eb_depthwise_neon;

/* One tile. weights, scales: of its channels. */
typedef struct {
    const eb_depthwise_neon *p;
    const uint8_t *window;
    const uint8_t *weights;
    const int32_t *scales;
    int8_t *out;
    int32_t out_stride;
    int32_t channels; /* >= 1; of more than sixteen, sixteen are computed */
    eb_output_s8 output;
} eb_depthwise_neon_tile;

/* Eight channels of each pixel become outputs. first: of the four vectors of sums, 0 or 2. */
EB_INLINED void eb_depthwise_neon_store(const eb_depthwise_neon_tile *t,
                                        int32_t pixels,
                                        int32_t first,
                                        eb_neon_sums sums[4][4])
{
    const eb_output_s8 output = t->output;
    const int32_t step = t->p->step;
    const int32_t *scales = t->scales + first * EB_NEON_SCALES;
    const int32_t left = t->channels - 4 * first;
    int8_t *out = t->out + 4 * first;
    eb_neon_sums scaled[4][2];
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t k = 0; k < 2; ++k) {
            scaled[i][k] = eb_neon_scale(eb_sums_scale(0, step, sums[i][first + k]),
                                         scales + k * EB_NEON_SCALES);
        }
    }
    if (left >= 8) {
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            eb_neon_store_8(out + i * t->out_stride, scaled[i][0], scaled[i][1], output);
        }
        return;
    }
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        int8_t all[8];
        eb_neon_store_8(all, scaled[i][0], scaled[i][1], output);
        memcpy(out + i * t->out_stride, all, (size_t)left);
    }
}

/* pixels: 1 or 4, a constant. */
EB_INLINED void eb_depthwise_neon_compute(const eb_depthwise_neon_tile *t, int32_t pixels)
{
    const int32_t *block = t->p->blocks;
    const uint8_t *weights = t->weights;
    const int32_t pixel = t->p->pixel;
    eb_neon_sums totals[4][4];
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < 4; ++q) {
            totals[i][q] = eb_neon_zero();
        }
    }
    for (int32_t b = t->p->block_count; b > 0; --b) {
        eb_neon_halves sums[4][2];
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            sums[i][0] = eb_halves_zero();
            sums[i][1] = eb_halves_zero();
        }
        for (int32_t left = *block++; left > 0; --left) {
            const uint8_t *values = t->window + *block++;
            const eb_neon_bytes weight = eb_bytes_load(weights);
            weights += EB_DEPTHWISE_NEON_CHANNELS;
            EB_UNROLLED
            for (int32_t i = 0; i < pixels; ++i) {
                const eb_neon_bytes value = eb_bytes_load(values + i * pixel);
                sums[i][0] = eb_halves_multiply_low(sums[i][0], value, weight);
                sums[i][1] = eb_halves_multiply_high(sums[i][1], value, weight);
            }
        }
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            EB_UNROLLED
            for (int32_t k = 0; k < 2; ++k) {
                totals[i][2 * k] = eb_sums_add_low(totals[i][2 * k], sums[i][k]);
                totals[i][2 * k + 1] = eb_sums_add_high(totals[i][2 * k + 1], sums[i][k]);
            }
        }
    }
    eb_depthwise_neon_store(t, pixels, 0, totals);
    if (t->channels > 8) {
        eb_depthwise_neon_store(t, pixels, 2, totals);
    }
}

EB_KERNEL void eb_depthwise_neon_4(const eb_depthwise_neon_tile *t)
{
    eb_depthwise_neon_compute(t, 4);
}

EB_KERNEL void eb_depthwise_neon_1(const eb_depthwise_neon_tile *t)
{
    eb_depthwise_neon_compute(t, 1);
}

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/depthwise_neon.py; scratch: kernel_height rows of
 * rows.row_bytes, and sixteen bytes.
 */
EB_KERNEL void eb_depthwise_conv_2d_neon_row(const eb_depthwise_neon *p,
                                             const void *const *rows,
                                             int8_t *out,
                                             int32_t out_pixel_stride,
                                             const int8_t *weights,
                                             const int32_t *scales,
                                             void *scratch)
{
    const eb_conv_2d *conv = &p->conv;
    const int32_t taps = conv->kernel_height * conv->kernel_width;
    eb_depthwise_neon_tile t;
    t.p = p;
    t.out_stride = out_pixel_stride;
    t.output.zero_point = conv->output_zero_point;
    t.output.low = conv->low;
    t.output.high = conv->high;
    eb_few_spread_rows(conv, &p->rows, rows, (uint8_t *)scratch);
    for (int32_t x = 0; x < conv->output_width;) {
        const int32_t rest = conv->output_width - x;
        const int32_t pixels = rest > 1 && conv->output_width >= 4 ? 4 : 1;
        /* The last four may begin with some that are done already. */
        const int32_t first = eb_min(x, conv->output_width - pixels);
        t.weights = (const uint8_t *)weights;
        t.scales = scales;
        for (int32_t c = 0; c < conv->output_channels; c += EB_DEPTHWISE_NEON_CHANNELS) {
            t.window = (const uint8_t *)scratch + first * p->pixel + c;
            t.out = out + first * out_pixel_stride + c;
            t.channels = conv->output_channels - c;
            if (pixels == 4) {
                eb_depthwise_neon_4(&t);
            } else {
                eb_depthwise_neon_1(&t);
            }
            t.weights += taps * EB_DEPTHWISE_NEON_CHANNELS;
            t.scales += EB_DEPTHWISE_NEON_CHANNELS / 4 * EB_NEON_SCALES;
        }
        x = first + pixels;
    }
}

#endif /* EB_DEPTHWISE_CONV_2D_NEON_H */
