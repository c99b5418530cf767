/* SUM, int32, wrapping. */
#ifndef EB_SUM_S32_H
#define EB_SUM_S32_H

#include "../../include/eb_mean.h"

/* The sum over the reduced axes, from `in` on. */
static inline int32_t eb_sum_s32_one(const eb_mean *p, const int32_t *in)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const int32_t *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                sum = eb_add_wrap(sum, from[k * p->reduced_strides[2]]);
            }
        }
    }
    return sum;
}

/* The whole tensor; `out` may be `in`. */
EB_KERNEL void eb_sum_s32(const eb_mean *p, const int32_t *in, int32_t *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const int32_t *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_sum_s32_one(p, from);
            }
        }
    }
}

/* Over height and width, from the sums of the channels (eb_accumulate_sum_s32). */
EB_KERNEL void eb_sum_s32_end(const eb_mean *p, const int32_t *sums, int32_t *out)
{
    for (int32_t c = 0; c < p->kept[2]; ++c) {
        out[c] = sums[c];
    }
}

#endif /* EB_SUM_S32_H */
