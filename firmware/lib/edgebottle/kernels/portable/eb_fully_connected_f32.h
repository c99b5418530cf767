/* Fully connected layer, float32, portable C: see eb_fully_connected.h. */
#ifndef EB_FULLY_CONNECTED_F32_H
#define EB_FULLY_CONNECTED_F32_H

/* The whole layer. Operands as in the int8 kernel; the bias is the plain one. */
EB_KERNEL void eb_fully_connected_f32_layer(const eb_fully_connected_f32 *p,
                                            const float *in,
                                            float *out,
                                            const float *weights,
                                            const float *bias)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        for (int32_t o = 0; o < p->outputs; ++o) {
            const float *weight = weights + o * p->inputs;
            float acc = 0.0f;
            for (int32_t i = 0; i < p->inputs; ++i) {
                acc += in[i] * weight[i];
            }
            acc += bias[o]; /* last, as in LiteRT: a sum depends on its order */
            acc = acc < p->low ? p->low : acc;
            *out++ = acc > p->high ? p->high : acc;
        }
        in += p->inputs;
    }
}

#endif /* EB_FULLY_CONNECTED_F32_H */
