/* 2-D convolution with weights and inputs of 1 bit, and outputs of two values: see eb_conv_2d.h and
 * eb_slices.h. */
#ifndef EB_CONV_2D_SLICES_H
#define EB_CONV_2D_SLICES_H

#include "eb_slices.h"
#include "eb_bits.h"

/* Fields of 4 bits: the number of bits that are set in each four of a word. */
static inline uint32_t eb_slices_fours(uint32_t word)
{
    const uint32_t pairs = word - ((word >> 1) & 0x55555555u);
    return (pairs & 0x33333333u) + ((pairs >> 2) & 0x33333333u);
}

/* The number of bits that are set in a window of `words` words, three at a time by a full adder. */
static inline int32_t eb_slices_sum(const uint8_t *from, int32_t words)
{
    uint32_t sum = 0;
#pragma GCC unroll 1
    for (; words > 0; words -= 3) {
        const uint32_t a = eb_load_word(from);
        const uint32_t b = words > 1 ? eb_load_word(from + 4) : 0u;
        const uint32_t c = words > 2 ? eb_load_word(from + 8) : 0u;
        const uint32_t carried = (a & b) | ((a ^ b) & c);
        const uint32_t fours = eb_slices_fours(a ^ b ^ c) + 2u * eb_slices_fours(carried);
        sum = eb_sum_of_bytes((fours & 0x0f0f0f0fu) + ((fours >> 4) & 0x0f0f0f0fu), sum);
        from += 12;
    }
    return (int32_t)sum;
}

/* eb_packed_collect of a window all of which lies in the image, or which may not; then zeros up to
 * a whole word. */
static inline void eb_slices_collect(
    const eb_conv_2d *p, const void *const *rows, int32_t column, int is_inside, int8_t *to)
{
    const int32_t run = p->kernel_width * p->input_channels;
    if (!is_inside || (run & 3) != 0) {
        eb_packed_collect(p, rows, column, to);
        return;
    }
    const void *const *end = rows + p->kernel_height;
    for (; rows != end; ++rows) {
        const int8_t *from = (const int8_t *)*rows + column * p->input_channels;
        const int8_t *to_end = to + run;
#pragma GCC unroll 1
        for (; to != to_end; to += 4) {
            eb_store_word(to, eb_load_word(from));
            from += 4;
        }
    }
}

/* Stores up to 32 outputs, the first one in the lowest bit. */
static inline void
eb_slices_store(const eb_conv_2d *p, const eb_slices *s, uint32_t bits, int32_t count, int8_t *out)
{
    if (s->is_bits) {
        if (count == 32) {
            eb_store_word(out, bits);
            return;
        }
        for (; count > 0; count -= 8) {
            *out++ = (int8_t)(uint8_t)bits;
            bits >>= 8;
        }
        return;
    }
    const uint32_t flipped = ((uint32_t)p->low & 0xffu) * 0x01010101u ^ EB_BITS_FLIP;
    for (; count >= 4; count -= 4) {
        eb_store_word(out, (eb_bits_spread(bits, 1) + flipped) ^ EB_BITS_FLIP);
        bits >>= 4;
        out += 4;
    }
    for (; count > 0; --count) {
        *out++ = (int8_t)(p->low + (int32_t)(bits & 1u));
        bits >>= 1;
    }
}

/* One output row.
 *
 * p: input_channels counts the bytes of a pixel, and input_zero_point is a byte of codes that are
 * the zero point. rows: of packed codes. out: bits or int8. weights: see eb_slices_tile;
 * thresholds: for each 32 channels, s->slices words for each of step / unit remainders, inverted.
 * scratch: a window of words, and one more.
 */
EB_KERNEL void eb_conv_2d_slices_row(const eb_conv_2d *p,
                                     const void *const *rows,
                                     void *out,
                                     int32_t out_pixel_stride,
                                     const eb_slices *s,
                                     const uint32_t *weights,
                                     const uint32_t *thresholds,
                                     void *scratch)
{
    const int32_t sets = s->step / s->unit * s->slices;
    uint8_t *window = (uint8_t *)scratch;
    int8_t *to = (int8_t *)out;
    int32_t column = -p->pad_left;
    const int32_t last_inside = p->input_width - p->kernel_width;
    const int has_rows = p->dilation_width == 1 && eb_packed_rows_inside(p, rows);
    eb_slices_tile t;
    t.window = window;
    t.halves = (uint32_t)s->halves;
    for (int32_t x = 0; x < p->output_width; ++x) {
        const int is_inside = has_rows && column >= 0 && column <= last_inside;
        eb_slices_collect(p, rows, column, is_inside, (int8_t *)window);
        const int32_t words = (s->halves + 1) / 2;
        const int32_t moved = s->minus == 0 ? 0 : s->minus * eb_slices_sum(window, words);
        const uint32_t start = (uint32_t)(s->start - moved / s->step);
        const uint32_t *inverted = thresholds + moved % s->step / s->unit * s->slices;
        int8_t *pixel = to;
        t.weights = weights;
        for (int32_t channel = 0; channel < p->output_channels; channel += 32) {
            EB_UNROLLED
            for (int32_t k = 0; k < EB_SLICES; ++k) {
                t.slices[k] = 0u - (start >> k & 1u);
            }
            eb_slices_count(&t);
            eb_slices_store(p, s, eb_slices_reached(t.slices, inverted, s->slices),
                            eb_min(p->output_channels - channel, 32), pixel);
            pixel += s->is_bits ? 4 : 32;
            inverted += sets;
        }
        column += p->stride_width;
        to += out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_SLICES_H */
