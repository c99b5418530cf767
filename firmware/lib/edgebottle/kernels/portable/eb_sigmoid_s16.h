/* LOGISTIC and TANH of int16; included by eb_sigmoid.h. Portable C.
 *
 * table: 256 values of the logistic function, 2^16 / (1 + exp(-i / 24)); multiplier (0 .. 65535)
 * and shift (0 .. 31) take inputs to 1/3 of 2^-12. Channels of a pixel lie together, pixels of the
 * output out_pixel_stride elements apart.
 */
#ifndef EB_KERNELS_PORTABLE_SIGMOID_S16_H
#define EB_KERNELS_PORTABLE_SIGMOID_S16_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* An input at the table's scale. */
static inline int32_t eb_sigmoid_s16_argument(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t half = shift > 0 ? (int32_t)((uint32_t)1 << (shift - 1)) : 0;
    return (value * multiplier + half) >> shift;
}

/* The table at magnitude / 2^bits, times 2^bits; `last` where that is beyond its end. */
static inline int32_t
eb_sigmoid_s16_at(const uint16_t *table, uint32_t magnitude, int32_t bits, int32_t last)
{
    const uint32_t index = magnitude >> bits;
    if (index >= 255) {
        return last;
    }
    const uint32_t part = magnitude & (((uint32_t)1 << bits) - 1u);
    const uint32_t below = table[index];
    return (int32_t)((below << bits) + part * (table[index + 1] - below));
}

static inline uint32_t eb_sigmoid_s16_magnitude(int32_t value)
{
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

EB_KERNEL void eb_logistic_s16_row(int32_t pixels,
                                   int32_t channels,
                                   const int16_t *in,
                                   int16_t *out,
                                   int32_t out_pixel_stride,
                                   const uint16_t *table,
                                   int32_t multiplier,
                                   int32_t shift)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t input = eb_sigmoid_s16_argument(in[c], multiplier, shift);
            const int32_t found =
                eb_sigmoid_s16_at(table, eb_sigmoid_s16_magnitude(input), 9, 0x7fff << 10);
            const int32_t mirrored = input >= 0 ? found : (1 << 25) - found - 1;
            out[c] = (int16_t)((mirrored + (1 << 9)) >> 10);
        }
        in += channels;
        out += out_pixel_stride;
    }
}

EB_KERNEL void eb_tanh_s16_row(int32_t pixels,
                               int32_t channels,
                               const int16_t *in,
                               int16_t *out,
                               int32_t out_pixel_stride,
                               const uint16_t *table,
                               int32_t multiplier,
                               int32_t shift)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t input = eb_sigmoid_s16_argument(in[c], multiplier, shift);
            const int32_t found =
                eb_sigmoid_s16_at(table, eb_sigmoid_s16_magnitude(input), 8, 0xffff << 8) -
                (1 << 23);
            const int32_t mirrored = input >= 0 ? found : -found - 1;
            out[c] = (int16_t)((mirrored + (1 << 7)) >> 8);
        }
        in += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_SIGMOID_S16_H */
