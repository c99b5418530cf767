/* Depthwise 2-D convolution of inputs of 1, 2 or 4 bits, one channel after the other: see
 * eb_depthwise_conv_2d.h, eb_depthwise_strip_s8.h.
 *
 * A word of the strip holds two columns, half an output row apart: so a multiplication takes two
 * pixels. Sums of a window lie within 16 bits, which edgebottle/ops/depthwise_strips.py proves.
 */
#ifndef EB_DEPTHWISE_PAIRS_H
#define EB_DEPTHWISE_PAIRS_H

#include "eb_depthwise_strip_s8.h"

typedef uint16_t __attribute__((may_alias)) eb_column_half;

/* Columns of a strip. */
typedef struct {
    int32_t first;
    int32_t end;
} eb_columns;

/* Those of `columns` that lie in the image, `from` columns behind the left end of the padding. */
static inline eb_columns
eb_columns_inside(const eb_depthwise_conv_2d *p, int32_t from, int32_t columns)
{
    const int32_t first = p->pad_left - from;
    const int32_t end = first + p->input_width;
    const eb_columns found = {eb_clamp(first, 0, columns), eb_clamp(end, 0, columns)};
    return found;
}

/* Fills one row's places in one half of a strip, from column `first` up to `end`; row: what lies
 * under column 0, or would.
 */
static inline void eb_pairs_fill(const uint8_t *row,
                                 int32_t step,
                                 int32_t shift,
                                 uint32_t mask,
                                 eb_column_half *to,
                                 int32_t height,
                                 int32_t first,
                                 int32_t end)
{
    row += step * first;
    to += 2 * height * first;
#pragma GCC unroll 1
    for (; first < end; ++first) {
        *to = (eb_column_half)((uint32_t)*row >> shift & mask);
        row += step;
        to += 2 * height;
    }
}

/* Fills one row's places of a strip with `count` pixels and those `apart` bytes on. */
EB_KERNEL void eb_pairs_fill_both(const uint8_t *from,
                                  int32_t step,
                                  int32_t apart,
                                  int32_t shift,
                                  uint32_t mask,
                                  int32_t *to,
                                  int32_t height,
                                  int32_t count)
{
#pragma GCC unroll 1
    for (; count > 0; --count) {
        *to = (int32_t)(((uint32_t)from[0] | (uint32_t)from[apart] << 16) >> shift & mask);
        from += step;
        to += height;
    }
}

/* Takes the two sums in each of `count` words apart: the second ones go behind all first ones. */
static inline void eb_pairs_apart(int32_t *sums, int32_t count)
{
    for (int32_t *last = sums + count; sums != last; ++sums) {
        const int32_t first = (int16_t)(uint16_t)*sums;
        sums[count] = (int32_t)((uint32_t)*sums - (uint32_t)first) >> 16;
        *sums = first;
    }
}

/* One output row.
 *
 * bits: of an input; its zero point is what is stored. weights, scales: as for
 * eb_depthwise_strip_s8_row; scratch: a word for each row and column under half of the output row,
 * two words for each pixel of that half, and 8 more.
 */
EB_KERNEL void eb_depthwise_pairs_row(const eb_depthwise_conv_2d *p,
                                      const void *const *rows,
                                      int8_t *out,
                                      int32_t out_pixel_stride,
                                      int32_t bits,
                                      const int8_t *weights,
                                      const int32_t *scales,
                                      int has_pivot,
                                      void *scratch)
{
    const int32_t outside = p->input_zero_point * 0x00010001;
    const int32_t height = p->kernel_height;
    const int32_t taps = height * p->kernel_width;
    const int32_t half = (p->output_width + 1) / 2;
    const int32_t columns = (half - 1) * p->stride_width + p->kernel_width;
    const int32_t pixel = (p->input_channels * bits + 7) / 8;
    const uint32_t mask = (1u << bits) - 1u;
    /* Columns of each half that lie in the image, and those where both do. */
    const int32_t apart = half * p->stride_width;
    const eb_columns low = eb_columns_inside(p, 0, columns);
    const eb_columns high = eb_columns_inside(p, apart, columns);
    eb_columns both = {eb_max(low.first, high.first), eb_min(low.end, high.end)};
    if (both.end < both.first) {
        both.first = both.end = columns;
    }
    const int32_t low_end = eb_min(both.first, low.end);
    const int32_t low_first = eb_max(both.end, low.first);
    const int32_t high_end = eb_min(both.first, high.end);
    const int32_t high_first = eb_max(both.end, high.first);
    int32_t *sums = (int32_t *)scratch;
    int32_t *strip = sums + 2 * half;
    for (int32_t k = 0; k < columns * height + EB_STRIP_TAPS - 1; ++k) {
        strip[k] = outside;
    }
    for (int32_t c = 0; c < p->input_channels; ++c) {
        const int32_t byte = c * bits / 8;
        const int32_t shift = c * bits % 8;
        for (int32_t ky = 0; ky < height; ++ky) {
            const uint8_t *row = (const uint8_t *)rows[ky];
            if (row != NULL) {
                eb_column_half *to = (eb_column_half *)(strip + ky);
                row += byte - p->pad_left * pixel;
                eb_pairs_fill_both(row + both.first * pixel, pixel, apart * pixel, shift,
                                   mask * 0x00010001u, strip + both.first * height + ky, height,
                                   both.end - both.first);
                if (low.first < low_end) {
                    eb_pairs_fill(row, pixel, shift, mask, to, height, low.first, low_end);
                }
                if (low_first < low.end) {
                    eb_pairs_fill(row, pixel, shift, mask, to, height, low_first, low.end);
                }
                row += apart * pixel;
                if (high.first < high_end) {
                    eb_pairs_fill(row, pixel, shift, mask, to + 1, height, high.first, high_end);
                }
                if (high_first < high.end) {
                    eb_pairs_fill(row, pixel, shift, mask, to + 1, height, high_first, high.end);
                }
            }
        }
        memset(sums, 0, (size_t)half * sizeof *sums);
        for (int32_t tap = 0; tap < taps; tap += EB_STRIP_TAPS) {
            eb_strip_sums(strip + tap, p->stride_width * height, weights, sums, half);
            weights += EB_STRIP_TAPS;
        }
        eb_pairs_apart(sums, half);
        eb_scale_s8(scales, has_pivot, sums, p->output_width, out + c, out_pixel_stride);
        scales += EB_SCALE_WORDS(has_pivot);
    }
}

#endif /* EB_DEPTHWISE_PAIRS_H */
