/* ARG_MAX and ARG_MIN along one axis; included by eb_arg_max.h. Portable C. The first of equal
 * values wins. */
#ifndef EB_KERNELS_PORTABLE_ARG_MAX_H
#define EB_KERNELS_PORTABLE_ARG_MAX_H

#include <stdint.h>

/* Index of the largest (the smallest, where `smallest` is 1) of `extent` int8_t elements, `stride`
 * apart. */
static inline int32_t
eb_arg_max_s8(const int8_t *in, int32_t extent, int32_t stride, int32_t smallest)
{
    int32_t best = 0;
    for (int32_t k = 1; k < extent; ++k) {
        const int is_less = in[k * stride] < in[best * stride];
        const int is_more = in[k * stride] > in[best * stride];
        best = (smallest ? is_less : is_more) ? k : best;
    }
    return best;
}

/* Index of the largest (the smallest, where `smallest` is 1) of `extent` float elements, `stride`
 * apart. */
static inline int32_t
eb_arg_max_f32(const float *in, int32_t extent, int32_t stride, int32_t smallest)
{
    int32_t best = 0;
    for (int32_t k = 1; k < extent; ++k) {
        const int is_less = in[k * stride] < in[best * stride];
        const int is_more = in[k * stride] > in[best * stride];
        best = (smallest ? is_less : is_more) ? k : best;
    }
    return best;
}

/* int8_t to int32_t indices. */
static inline void eb_arg_max_s8_s32(const eb_arg_max *p, const int8_t *in, int32_t *out)
{
    for (int32_t o = 0; o < p->outer; ++o) {
        for (int32_t i = 0; i < p->inner; ++i) {
            *out++ = eb_arg_max_s8(in + i, p->extent, p->inner, p->smallest);
        }
        in += p->extent * p->inner;
    }
}

/* int8_t to int64_t indices. */
static inline void eb_arg_max_s8_s64(const eb_arg_max *p, const int8_t *in, int64_t *out)
{
    for (int32_t o = 0; o < p->outer; ++o) {
        for (int32_t i = 0; i < p->inner; ++i) {
            *out++ = eb_arg_max_s8(in + i, p->extent, p->inner, p->smallest);
        }
        in += p->extent * p->inner;
    }
}

/* float to int32_t indices. */
static inline void eb_arg_max_f32_s32(const eb_arg_max *p, const float *in, int32_t *out)
{
    for (int32_t o = 0; o < p->outer; ++o) {
        for (int32_t i = 0; i < p->inner; ++i) {
            *out++ = eb_arg_max_f32(in + i, p->extent, p->inner, p->smallest);
        }
        in += p->extent * p->inner;
    }
}

/* float to int64_t indices. */
static inline void eb_arg_max_f32_s64(const eb_arg_max *p, const float *in, int64_t *out)
{
    for (int32_t o = 0; o < p->outer; ++o) {
        for (int32_t i = 0; i < p->inner; ++i) {
            *out++ = eb_arg_max_f32(in + i, p->extent, p->inner, p->smallest);
        }
        in += p->extent * p->inner;
    }
}

#endif /* EB_KERNELS_PORTABLE_ARG_MAX_H */
