/* SOFTMAX of int8, one row. Portable C.
 *
 * The fixed-point formats are written Qi.f: i integer and f fractional bits besides the sign.
 */
#ifndef EB_KERNELS_PORTABLE_SOFTMAX_S8_H
#define EB_KERNELS_PORTABLE_SOFTMAX_S8_H

#include <stdint.h>

#include "../../include/eb_fixed_functions.h"
#include "../../include/eb_requant.h"
#include "../../include/eb_rows.h"

/* What the elements of one pixel have in common. */
typedef struct {
    int32_t largest;    /* element */
    int32_t reciprocal; /* of the sum of exponentials, with `bits`; Q0.31 */
    int32_t bits;       /* places to shift right after a product with it; 0 .. 12 */
} eb_softmax_pixel;

/* Sums up one pixel; parameters as eb_softmax_s8_s8_row has them. */
static inline eb_softmax_pixel
eb_softmax_sum(int32_t channels, const int8_t *in, const int32_t *exponentials, int32_t entries)
{
    int32_t largest = in[0];
    for (int32_t c = 1; c < channels; ++c) {
        largest = eb_max(largest, in[c]);
    }
    int32_t sum = 0; /* Q12.19, at least 1 */
    EB_ROLLED
    for (int32_t c = 0; c < channels; ++c) {
        const int32_t below = largest - in[c];
        sum += below < entries ? eb_rounding_shift_right(exponentials[below], 12) : 0;
    }
    uint32_t normalized = (uint32_t)sum;
    int32_t bits = 12;
    while (normalized < 0x80000000u) {
        normalized <<= 1;
        --bits;
    }
    const eb_softmax_pixel pixel = {
        largest, eb_one_over_one_plus((int32_t)(normalized - 0x80000000u)), bits};
    return pixel;
}

/* exponential / sum in units of 2^-out_bits. Shifts beyond 31 round everything to 0. */
static inline int32_t eb_softmax_share(const eb_softmax_pixel *pixel,
                                       int32_t value,
                                       const int32_t *exponentials,
                                       int32_t entries,
                                       int32_t out_bits)
{
    const int32_t below = pixel->largest - value;
    const int32_t shift = pixel->bits + 31 - out_bits;
    if (below >= entries || shift > 31) {
        return 0;
    }
    const int32_t share = eb_doubling_high_mul(exponentials[below], pixel->reciprocal);
    return eb_rounding_shift_right(share, shift);
}

/* The softmax of each pixel over its channels; output scale 1/256, zero point -128.
 *
 * pixels: >= 1. channels: 1 .. 4095. entries: 1 .. 256. exponentials: e^-d in Q0.31 for the scaled
 * difference d = 0 .. entries - 1 to the largest value; those beyond count as 0. out may be row
 * where out_pixel_stride == channels.
 */
static inline void eb_softmax_s8_s8_row(int32_t pixels,
                                        int32_t channels,
                                        const int8_t *row,
                                        int8_t *out,
                                        int32_t out_pixel_stride,
                                        const int32_t *exponentials,
                                        int32_t entries)
{
    for (int32_t x = 0; x < pixels; ++x) {
        const eb_softmax_pixel pixel = eb_softmax_sum(channels, row, exponentials, entries);
        EB_ROLLED
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t share = eb_softmax_share(&pixel, row[c], exponentials, entries, 8);
            out[c] = (int8_t)eb_min(share - 128, 127);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* The same to int16: output scale 1/65536, zero point -32768. out is not row. */
static inline void eb_softmax_s8_s16_row(int32_t pixels,
                                         int32_t channels,
                                         const int8_t *row,
                                         int16_t *out,
                                         int32_t out_pixel_stride,
                                         const int32_t *exponentials,
                                         int32_t entries)
{
    for (int32_t x = 0; x < pixels; ++x) {
        const eb_softmax_pixel pixel = eb_softmax_sum(channels, row, exponentials, entries);
        EB_ROLLED
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t share = eb_softmax_share(&pixel, row[c], exponentials, entries, 16);
            out[c] = (int16_t)eb_min(share - 32768, 32767);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_SOFTMAX_S8_H */
