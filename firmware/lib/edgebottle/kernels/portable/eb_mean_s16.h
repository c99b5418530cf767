/* MEAN, int16, with zero points of 0; at most 65,535 elements make one of the output. */
#ifndef EB_MEAN_S16_H
#define EB_MEAN_S16_H

#include "../../include/eb_mean.h"

/* The sum over the reduced axes, from `in` on. */
static inline int32_t eb_mean_s16_sum(const eb_mean *p, const int16_t *in)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const int16_t *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                sum += from[k * p->reduced_strides[2]];
            }
        }
    }
    return sum;
}

/* The mean as an element of the output. */
static inline int16_t eb_mean_s16_mean(const eb_mean *p, int32_t sum)
{
    return (int16_t)eb_clamp(eb_requantize(sum, p->multiplier, p->shift), -32768, 32767);
}

/* The whole tensor; `out` may be `in`. Small, and far faster with constant counts. */
EB_INLINED void eb_mean_s16(const eb_mean *p, const int16_t *in, int16_t *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const int16_t *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_mean_s16_mean(p, eb_mean_s16_sum(p, from));
            }
        }
    }
}

/* Over height and width, from the sums of the channels (eb_accumulate_sum_s16). */
EB_KERNEL void eb_mean_s16_end(const eb_mean *p, const int32_t *sums, int16_t *out)
{
    for (int32_t c = 0; c < p->kept[2]; ++c) {
        out[c] = eb_mean_s16_mean(p, sums[c]);
    }
}

#endif /* EB_MEAN_S16_H */
