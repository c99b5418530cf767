/* SVDF, int8, with a state of int16 or int8. */
#ifndef EB_SVDF_S8_H
#define EB_SVDF_S8_H

#include "../../include/eb_svdf.h"

/* The newest entry of a filter's memory, within low .. high. */
static inline int32_t eb_svdf_s8_feature(
    const eb_svdf *p, const int8_t *in, const int8_t *weights, int32_t low, int32_t high)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->input_size; ++i) {
        sum += weights[i] * (in[i] - p->input_zero_point);
    }
    const int32_t scaled = eb_requantize(sum, p->feature_multiplier, p->feature_shift);
    const int32_t zero = p->state_zero_point;
    return eb_clamp(scaled, low - zero, high - zero) + zero;
}

/* a + b * c, where the sum wraps. b, c: -2^16 .. 2^15 - 1. */
static inline int32_t eb_svdf_s8_accumulate(int32_t a, int32_t b, int32_t c)
{
    return (int32_t)((uint32_t)a + (uint32_t)(b * c));
}

/* The whole tensor.
 *
 * in: batch x input_size. feature: units * rank x input_size. time: units * rank x memory. bias:
 * units, or NULL. state: batch x units * rank x memory, oldest first; moved on by one step.
 */
EB_KERNEL void eb_svdf_s8_state16(const eb_svdf *p,
                                  const int8_t *in,
                                  int8_t *out,
                                  const int8_t *feature,
                                  const int16_t *time,
                                  const int32_t *bias,
                                  int16_t *state)
{
    const size_t older = (size_t)(p->memory - 1);
    for (int32_t b = 0; b < p->batch; ++b) {
        for (int32_t unit = 0; unit < p->units; ++unit) {
            int32_t sum = 0;
            for (int32_t r = 0; r < p->rank; ++r) {
                const int32_t filter = unit * p->rank + r;
                memmove(state, state + 1, older * sizeof(*state));
                state[older] = (int16_t)eb_svdf_s8_feature(p, in, feature + filter * p->input_size,
                                                           INT16_MIN, INT16_MAX);
                for (int32_t m = 0; m < p->memory; ++m) {
                    sum = eb_svdf_s8_accumulate(sum, time[filter * p->memory + m],
                                                state[m] - p->state_zero_point);
                }
                state += p->memory;
            }
            sum = eb_svdf_s8_accumulate(sum, bias != NULL ? bias[unit] : 0, 1);
            *out++ = eb_requantize_s8(sum, p->output_multiplier, p->output_shift,
                                      p->output_zero_point, INT8_MIN, INT8_MAX);
        }
        in += p->input_size;
    }
}

/* The same with a state and time weights of int8. */
EB_KERNEL void eb_svdf_s8_state8(const eb_svdf *p,
                                 const int8_t *in,
                                 int8_t *out,
                                 const int8_t *feature,
                                 const int8_t *time,
                                 const int32_t *bias,
                                 int8_t *state)
{
    const size_t older = (size_t)(p->memory - 1);
    for (int32_t b = 0; b < p->batch; ++b) {
        for (int32_t unit = 0; unit < p->units; ++unit) {
            int32_t sum = 0;
            for (int32_t r = 0; r < p->rank; ++r) {
                const int32_t filter = unit * p->rank + r;
                memmove(state, state + 1, older);
                state[older] = (int8_t)eb_svdf_s8_feature(p, in, feature + filter * p->input_size,
                                                          INT8_MIN, INT8_MAX);
                for (int32_t m = 0; m < p->memory; ++m) {
                    sum += time[filter * p->memory + m] * (state[m] - p->state_zero_point);
                }
                state += p->memory;
            }
            sum = eb_svdf_s8_accumulate(sum, bias != NULL ? bias[unit] : 0, 1);
            *out++ = eb_requantize_s8(sum, p->output_multiplier, p->output_shift,
                                      p->output_zero_point, INT8_MIN, INT8_MAX);
        }
        in += p->input_size;
    }
}

#endif /* EB_SVDF_S8_H */
