/* SVDF, float. */
#ifndef EB_SVDF_F32_H
#define EB_SVDF_F32_H

#include "../../include/eb_svdf.h"

/* The sum of the products of two vectors. */
static inline float eb_svdf_f32_dot(const float *a, const float *b, int32_t count)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < count; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* The whole tensor; shapes as eb_svdf_s8_state16. */
EB_KERNEL void eb_svdf_f32_all(const eb_svdf_f32 *p,
                               const float *in,
                               float *out,
                               const float *feature,
                               const float *time,
                               const float *bias,
                               float *state)
{
    const size_t older = (size_t)(p->memory - 1);
    for (int32_t b = 0; b < p->batch; ++b) {
        for (int32_t unit = 0; unit < p->units; ++unit) {
            float sum = 0.0f;
            for (int32_t r = 0; r < p->rank; ++r) {
                const int32_t filter = unit * p->rank + r;
                memmove(state, state + 1, older * sizeof(*state));
                state[older] = eb_svdf_f32_dot(in, feature + filter * p->input_size, p->input_size);
                sum += eb_svdf_f32_dot(time + filter * p->memory, state, p->memory);
                state += p->memory;
            }
            sum += bias != NULL ? bias[unit] : 0.0f;
            sum = sum < p->activation_min ? p->activation_min : sum;
            *out++ = sum > p->activation_max ? p->activation_max : sum;
        }
        in += p->input_size;
    }
}

#endif /* EB_SVDF_F32_H */
