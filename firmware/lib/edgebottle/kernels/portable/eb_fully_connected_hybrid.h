/* Fully connected layer of float32 by int8 weights, portable C: see eb_hybrid.h. */
#ifndef EB_FULLY_CONNECTED_HYBRID_H
#define EB_FULLY_CONNECTED_HYBRID_H

/* All rows of inputs, each with a scale of its own. `out` may be the memory of `in` where there is
 * one row, or not more outputs than inputs. */
EB_KERNEL void eb_fully_connected_hybrid_layer(const eb_fully_connected_hybrid *p,
                                               const float *in,
                                               float *out,
                                               const int8_t *weights,
                                               const float *scales,
                                               const float *bias,
                                               int8_t *scratch)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        const eb_hybrid_range range = eb_hybrid_quantize(in, p->inputs, scratch, p->is_symmetric);
        const int8_t *weight = weights;
        for (int32_t o = 0; o < p->outputs; ++o) {
            int32_t sum = 0;
            for (int32_t i = 0; i < p->inputs; ++i) {
                sum += weight[i] * (scratch[i] - range.zero_point);
            }
            float real = bias[o] + (float)sum * (scales[o] * range.scale);
            real = real < p->low ? p->low : real;
            *out++ = real > p->high ? p->high : real;
            weight += p->inputs;
        }
        in += p->inputs;
    }
}

#endif /* EB_FULLY_CONNECTED_HYBRID_H */
