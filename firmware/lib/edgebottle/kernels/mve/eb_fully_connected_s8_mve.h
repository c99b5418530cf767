/* Fully connected layer, int8, with vectors of sixteen: see eb_fully_connected.h. */
#ifndef EB_FULLY_CONNECTED_S8_MVE_H
#define EB_FULLY_CONNECTED_S8_MVE_H

#include "eb_dot_s8_mve.h"

/* eb_fully_connected_s8_computed_layer with vectors. */
EB_KERNEL void eb_fully_connected_s8_computed_mve_layer(const eb_fully_connected *p,
                                                        int32_t input_zero_point,
                                                        const int8_t *in,
                                                        int8_t *out,
                                                        const int8_t *weights,
                                                        const int32_t *bias,
                                                        const uint32_t *scale)
{
    const int32_t inputs = p->inputs;
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *weight = weights;
        const int32_t sum = eb_mve_sum(in, inputs);
        for (int32_t o = 0; o < p->outputs; ++o) {
            const int32_t acc =
                eb_mve_products(in, weight, inputs, input_zero_point, p->weights_zero_point, sum);
            *out++ = eb_fully_connected_s8_value(p, eb_add_wrap(acc, bias[o]), scale);
            weight += inputs;
        }
        in += inputs;
    }
}

#endif /* EB_FULLY_CONNECTED_S8_MVE_H */
