/* MEAN, int8. */
#ifndef EB_MEAN_S8_H
#define EB_MEAN_S8_H

#include "../../include/eb_mean.h"

/* The sum over the reduced axes, from `in` on. */
static inline int32_t eb_mean_s8_sum(const eb_mean *p, const int8_t *in)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const int8_t *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                sum += from[k * p->reduced_strides[2]];
            }
        }
    }
    return sum;
}

/* The mean as an element of the output. */
static inline int8_t eb_mean_s8_mean(const eb_mean *p, int32_t sum)
{
    return eb_requantize_s8(sum - p->input_zero_sum, p->multiplier, p->shift, p->output_zero_point,
                            -128, 127);
}

/* The whole tensor; `out` may be `in`. Small, and far faster with constant counts. */
EB_INLINED void eb_mean_s8(const eb_mean *p, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const int8_t *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_mean_s8_mean(p, eb_mean_s8_sum(p, from));
            }
        }
    }
}

/* Over height and width, from the sums of the channels (eb_accumulate_sum_s8). */
EB_KERNEL void eb_mean_s8_end(const eb_mean *p, const int32_t *sums, int8_t *out)
{
    for (int32_t c = 0; c < p->kept[2]; ++c) {
        out[c] = eb_mean_s8_mean(p, sums[c]);
    }
}

#endif /* EB_MEAN_S8_H */
