/* Accumulators that take the rows of an image one by one, as global pooling does in a stage. */
#ifndef EB_ACCUMULATE_H
#define EB_ACCUMULATE_H

#include <stdint.h>

#include "eb_dsp.h"
#include "eb_requant.h"

/* Before the first row: every accumulator at `value`. */
EB_KERNEL void eb_accumulate_begin(int32_t *accumulators, int32_t count, int32_t value)
{
    for (int32_t i = 0; i < count; ++i) {
        accumulators[i] = value;
    }
}

EB_KERNEL void eb_accumulate_begin_f32(float *accumulators, int32_t count, float value)
{
    for (int32_t i = 0; i < count; ++i) {
        accumulators[i] = value;
    }
}

/* Adds up to 256 pixels, `step` bytes apart, to the sums of four channels. Bytes count from -128
 * on, so that two sums share a word and no carry passes from one to the other. */
static inline void
eb_accumulate_four_s8(int32_t *sums, const int8_t *in, int32_t pixels, int32_t step)
{
    uint32_t even = 0;
    uint32_t odd = 0;
    for (int32_t i = 0; i < pixels; ++i) {
        const uint32_t word = eb_load_word(in) ^ 0x80808080u;
        even += word & 0x00ff00ffu;
        odd += (word >> 8) & 0x00ff00ffu;
        in += step;
    }
    sums[0] += (int32_t)(even & 0xffffu) - 128 * pixels;
    sums[1] += (int32_t)(odd & 0xffffu) - 128 * pixels;
    sums[2] += (int32_t)(even >> 16) - 128 * pixels;
    sums[3] += (int32_t)(odd >> 16) - 128 * pixels;
}

/* Adds `pixels` pixels that lie together to one sum for each channel. */
EB_KERNEL void
eb_accumulate_sum_s8(int32_t *sums, const int8_t *in, int32_t pixels, int32_t channels)
{
    for (; pixels > 0; pixels -= 256) {
        const int32_t count = pixels < 256 ? pixels : 256;
        int32_t first = 0;
        /* Without the DSP instructions there may be no loads of words at any address either. */
        for (; EB_HAVE_DSP && first + 4 <= channels; first += 4) {
            eb_accumulate_four_s8(sums + first, in + first, count, channels);
        }
        for (int32_t i = 0; i < count; ++i) {
            for (int32_t c = first; c < channels; ++c) {
                sums[c] += in[c];
            }
            in += channels;
        }
    }
}

EB_KERNEL void
eb_accumulate_sum_s16(int32_t *sums, const int16_t *in, int32_t pixels, int32_t channels)
{
    for (int32_t i = 0; i < pixels; ++i) {
        for (int32_t c = 0; c < channels; ++c) {
            sums[c] += *in++;
        }
    }
}

EB_KERNEL void eb_accumulate_sum_f32(float *sums, const float *in, int32_t pixels, int32_t channels)
{
    for (int32_t i = 0; i < pixels; ++i) {
        for (int32_t c = 0; c < channels; ++c) {
            sums[c] += *in++;
        }
    }
}

/* Wrapping. */
EB_KERNEL void
eb_accumulate_sum_s32(int32_t *sums, const int32_t *in, int32_t pixels, int32_t channels)
{
    for (int32_t i = 0; i < pixels; ++i) {
        for (int32_t c = 0; c < channels; ++c) {
            sums[c] = eb_add_wrap(sums[c], *in++);
        }
    }
}

#endif /* EB_ACCUMULATE_H */
