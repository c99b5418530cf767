/* SOFTMAX of int16, over the last axis; included by eb_softmax.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_SOFTMAX_S16_H
#define EB_KERNELS_PORTABLE_SOFTMAX_S16_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* A function of int16 between the 513 entries of its table; value: -32768 .. 32767. */
static inline int32_t eb_softmax_s16_lookup(const int16_t *table, int32_t value)
{
    const int16_t *at = table + 256 + (value >> 7);
    return at[0] + (((at[1] - at[0]) * (value & 0x7f) + 64) >> 7);
}

/* One pixel; `out` may be `in`. */
static inline void eb_softmax_s16_pixel(int32_t channels,
                                        const int16_t *in,
                                        int16_t *out,
                                        const int16_t *exponentials,
                                        const int16_t *reciprocals,
                                        int32_t multiplier,
                                        int32_t shift)
{
    int32_t largest = in[0];
    for (int32_t c = 1; c < channels; ++c) {
        largest = eb_max(largest, in[c]);
    }
    int32_t sum = 0;
    for (int32_t c = 0; c < channels; ++c) {
        const int32_t scaled = eb_requantize(in[c] - largest, multiplier, shift) + 32767;
        out[c] = (int16_t)eb_softmax_s16_lookup(exponentials, eb_clamp(scaled, -32768, 32767));
        sum += out[c];
    }
    /* The greatest alone adds 32767, so that there are 0 < zeros < 18. */
    const int32_t zeros = __builtin_clz((uint32_t)sum);
    const int32_t mantissa = (int32_t)((((uint32_t)sum << (zeros - 1)) + (1u << 13)) >> 14);
    const int32_t centred = eb_clamp(mantissa - (1 << 15) - (1 << 16), -32768, 32767);
    const int32_t reciprocal = eb_softmax_s16_lookup(reciprocals, centred);
    const int32_t places = 31 - zeros;
    for (int32_t c = 0; c < channels; ++c) {
        const int32_t share = (out[c] * reciprocal + (1 << (places - 1))) >> places;
        out[c] = (int16_t)eb_clamp(share, 0, 32767);
    }
}

/* The pixels of a row.
 *
 * channels: 1 .. 65,535. exponentials, reciprocals: 513 entries each. multiplier and shift (-31 ..
 * 14) take differences of inputs to 10 / 65535.
 */
EB_KERNEL void eb_softmax_s16_row(int32_t pixels,
                                  int32_t channels,
                                  const int16_t *in,
                                  int16_t *out,
                                  int32_t out_pixel_stride,
                                  const int16_t *exponentials,
                                  const int16_t *reciprocals,
                                  int32_t multiplier,
                                  int32_t shift)
{
    for (int32_t x = 0; x < pixels; ++x) {
        eb_softmax_s16_pixel(channels, in, out, exponentials, reciprocals, multiplier, shift);
        in += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_SOFTMAX_S16_H */
