/* MEAN, float. */
#ifndef EB_MEAN_F32_H
#define EB_MEAN_F32_H

#include "../../include/eb_mean.h"

/* The sum over the reduced axes, from `in` on. */
static inline float eb_mean_f32_sum(const eb_mean *p, const float *in)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const float *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                sum += from[k * p->reduced_strides[2]];
            }
        }
    }
    return sum;
}

/* The whole tensor; `out` may be `in`. Small, and far faster with constant counts. */
EB_INLINED void eb_mean_f32(const eb_mean *p, const float *in, float *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const float *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_mean_f32_sum(p, from) / p->count;
            }
        }
    }
}

/* Over height and width, from the sums of the channels (eb_accumulate_sum_f32). */
EB_KERNEL void eb_mean_f32_end(const eb_mean *p, const float *sums, float *out)
{
    for (int32_t c = 0; c < p->kept[2]; ++c) {
        out[c] = sums[c] / p->count;
    }
}

#endif /* EB_MEAN_F32_H */
