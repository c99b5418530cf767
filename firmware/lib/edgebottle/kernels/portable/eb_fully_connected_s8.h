/* Fully connected layer, int8: see eb_fully_connected.h. The variants differ in eb_dot_s8.h alone.
 */
#ifndef EB_FULLY_CONNECTED_S8_H
#define EB_FULLY_CONNECTED_S8_H

/* The output value of one accumulator; scale: high, low, shift. */
EB_KERNEL int8_t eb_fully_connected_s8_value(const eb_fully_connected *p,
                                             int32_t acc,
                                             const uint32_t *scale)
{
    const int32_t scaled = eb_scale_accumulator(acc, scale[0], scale[1], (int32_t)scale[2]);
    return (int8_t)eb_clamp(scaled + p->output_zero_point, p->low, p->high);
}

/* The whole layer. */
EB_KERNEL void eb_fully_connected_s8_layer(const eb_fully_connected *p,
                                           const int8_t *in,
                                           int8_t *out,
                                           const int8_t *weights,
                                           const int32_t *bias,
                                           const uint32_t *scales)
{
    const int32_t inputs = p->inputs;
    for (int32_t b = 0; b < p->batches; ++b) {
        const uint32_t *scale = scales;
        int32_t offset = 0;
        if (p->weights_zero_point != 0) {
            for (int32_t i = 0; i < inputs; ++i) {
                offset -= p->weights_zero_point * in[i];
            }
        }
        for (int32_t o = 0; o < p->outputs; o += 2) {
            /* An odd last output is computed twice. */
            const int32_t other = eb_min(o + 1, p->outputs - 1);
            int32_t acc[2] = {0, 0};
            eb_dot_bytes_1x2(in, weights + o * inputs, weights + other * inputs, inputs, acc);
            for (int32_t k = 0; k <= other - o; ++k) {
                const int32_t total = eb_add_wrap(eb_add_wrap(acc[k], offset), bias[o + k]);
                out[o + k] = eb_fully_connected_s8_value(p, total, scale);
                scale += p->per_channel ? 3 : 0;
            }
        }
        in += inputs;
        out += p->outputs;
    }
}

/* The whole layer with weights that are computed at run time: bias is the plain one, scale high,
 * low and shift. input_zero_point: -128 .. 127; inputs: at most 33025. */
EB_KERNEL void eb_fully_connected_s8_computed_layer(const eb_fully_connected *p,
                                                    int32_t input_zero_point,
                                                    const int8_t *in,
                                                    int8_t *out,
                                                    const int8_t *weights,
                                                    const int32_t *bias,
                                                    const uint32_t *scale)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *weight = weights;
        for (int32_t o = 0; o < p->outputs; ++o) {
            int32_t acc = 0;
            for (int32_t i = 0; i < p->inputs; ++i) {
                acc += (in[i] - input_zero_point) * (*weight++ - p->weights_zero_point);
            }
            *out++ = eb_fully_connected_s8_value(p, eb_add_wrap(acc, bias[o]), scale);
        }
        in += p->inputs;
    }
}

#endif /* EB_FULLY_CONNECTED_S8_H */
