/* Accumulators that take the rows of an image one by one, as global pooling does in a stage. */
#ifndef EB_ACCUMULATE_H
#define EB_ACCUMULATE_H

#include <stdint.h>

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

/* Adds `pixels` pixels that lie together to one sum for each channel. */
EB_KERNEL void
eb_accumulate_sum_s8(int32_t *sums, const int8_t *in, int32_t pixels, int32_t channels)
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

#endif /* EB_ACCUMULATE_H */
