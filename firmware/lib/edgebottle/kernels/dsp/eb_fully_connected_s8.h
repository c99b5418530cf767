/* Fully connected layer, int8, with packed weights: see eb_fully_connected.h and eb_tile_s8.h. */
#ifndef EB_FULLY_CONNECTED_S8_PACKED_H
#define EB_FULLY_CONNECTED_S8_PACKED_H

#include "eb_dot_wide_s8.h"
#include "eb_tile_s8.h"

/* The whole layer; weights, requant, scale: see eb_tile. scratch: `inputs` bytes rounded up to
 * fours, unused where they are fours. */
EB_KERNEL void eb_fully_connected_s8_packed_layer(const eb_fully_connected *p,
                                                  const int8_t *in,
                                                  int8_t *out,
                                                  const uint32_t *weights,
                                                  const int32_t *requant,
                                                  const int32_t *scale,
                                                  void *scratch)
{
    const int32_t inputs = p->inputs;
    const int32_t taps = (inputs + 3) & ~3;
    eb_tile t;
    eb_tile_place(&t, p->output_zero_point, p->low, p->high);
    t.once = scale;
    t.weights = weights;
    t.weight_bytes = 4 * taps;
    t.out_stride = 0;
    for (int32_t b = 0; b < p->batches; ++b) {
        t.values = in;
        if (taps != inputs) {
            int8_t *to = (int8_t *)scratch;
#pragma GCC unroll 1
            for (int32_t i = 0; i < taps; ++i) {
                to[i] = i < inputs ? in[i] : 0;
            }
            t.values = to;
        }
        eb_run_tile(&t, 0, requant, out, p->outputs);
        in += inputs;
        out += p->outputs;
    }
}

/* eb_fully_connected_s8_computed_layer with the DSP instructions.
 * scratch: 2 * inputs bytes, rounded up to eights. */
EB_KERNEL void eb_fully_connected_s8_computed_dots_layer(const eb_fully_connected *p,
                                                         int32_t input_zero_point,
                                                         const int8_t *in,
                                                         int8_t *out,
                                                         const int8_t *weights,
                                                         const int32_t *bias,
                                                         const uint32_t *scale,
                                                         void *scratch)
{
    uint32_t *wide = (uint32_t *)scratch;
    const int32_t inputs = p->inputs;
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *weight = weights;
        const int32_t offset =
            p->weights_zero_point * eb_widen_s8(in, 1, input_zero_point, inputs, wide);
        int32_t o = 0;
        for (; o < p->outputs - 3; o += 4) {
            int32_t acc[4];
            eb_dot_wide_1x4(wide, weight, inputs, inputs, acc);
            for (int32_t k = 0; k < 4; ++k) {
                const int32_t total = eb_add_wrap(acc[k] - offset, bias[o + k]);
                *out++ = eb_fully_connected_s8_value(p, total, scale);
            }
            weight += 4 * inputs;
        }
        for (; o < p->outputs; ++o) {
            const int32_t acc = eb_dot_wide_1x1(wide, weight, inputs);
            *out++ = eb_fully_connected_s8_value(p, eb_add_wrap(acc - offset, bias[o]), scale);
            weight += inputs;
        }
        in += inputs;
    }
}

#endif /* EB_FULLY_CONNECTED_S8_PACKED_H */
