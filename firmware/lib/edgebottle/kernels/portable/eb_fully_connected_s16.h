/* Fully connected layer, int16 with weights of int8, portable C: see eb_fully_connected.h. */
#ifndef EB_FULLY_CONNECTED_S16_H
#define EB_FULLY_CONNECTED_S16_H

#include "../../include/eb_requant_wide.h"

/* The whole layer; zero points of input and output are 0. scales: for each output, see
 * eb_scale_wide. */
EB_KERNEL void eb_fully_connected_s16_layer(const eb_fully_connected *p,
                                            const int16_t *in,
                                            int16_t *out,
                                            const int8_t *weights,
                                            const int64_t *bias,
                                            const uint32_t *scales)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *row = weights;
        const uint32_t *scale = scales;
        for (int32_t o = 0; o < p->outputs; ++o) {
            int64_t acc = bias[o];
            for (int32_t i = 0; i < p->inputs; ++i) {
                acc += (row[i] - p->weights_zero_point) * in[i];
            }
            const int32_t scaled = eb_scale_wide(acc, scale[0], scale[1], (int32_t)scale[2]);
            out[o] = (int16_t)eb_clamp(scaled, p->low, p->high);
            row += p->inputs;
            scale += p->per_channel ? 3 : 0;
        }
        in += p->inputs;
        out += p->outputs;
    }
}

#endif /* EB_FULLY_CONNECTED_S16_H */
