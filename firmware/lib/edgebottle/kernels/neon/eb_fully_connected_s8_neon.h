/* Fully connected layer, int8, four outputs at a time with NEON: see eb_fully_connected.h and
 * eb_neon.h. No weight is -128, and their zero point is 0.
 */
#ifndef EB_FULLY_CONNECTED_S8_NEON_H
#define EB_FULLY_CONNECTED_S8_NEON_H

#include "../../include/eb_neon.h"

/* Sums of products of `inputs` values with the weights of `outputs` outputs. Constants: outputs, 1
 * or 4; has_sdot. */
EB_INLINED eb_neon_sums eb_neon_products(
    const int8_t *in, const int8_t *weights, int32_t inputs, int32_t outputs, int has_sdot)
{
    eb_neon_sums sums[4] = {eb_neon_zero(), eb_neon_zero(), eb_neon_zero(), eb_neon_zero()};
    for (int32_t i = 0; i + 16 <= inputs; i += 16) {
        for (int32_t o = 0; o < outputs; ++o) {
            sums[o] = eb_neon_dot_with(has_sdot, sums[o], in + i, weights + o * inputs + i);
        }
    }
    return eb_neon_join(sums[0], sums[1], sums[2], sums[3]);
}

/* The whole layer; has_sdot: a constant. */
EB_INLINED void eb_neon_layer(const eb_fully_connected *p,
                              const int8_t *in,
                              int8_t *out,
                              const int8_t *weights,
                              const int32_t *bias,
                              const uint32_t *scales,
                              int has_sdot)
{
    const int32_t inputs = p->inputs;
    for (int32_t b = 0; b < p->batches; ++b) {
        const uint32_t *scale = scales;
        int32_t count = 0;
        for (int32_t o = 0; o < p->outputs; o += count) {
            int32_t sums[4];
            const int8_t *weight = weights + o * inputs;
            count = p->outputs - o >= 4 ? 4 : 1;
            if (count == 4) {
                eb_neon_put(sums, eb_neon_products(in, weight, inputs, 4, has_sdot));
            } else {
                eb_neon_put(sums, eb_neon_products(in, weight, inputs, 1, has_sdot));
            }
            for (int32_t k = 0; k < count; ++k) {
                int32_t total = eb_add_wrap(sums[k], bias[o + k]);
                for (int32_t i = inputs / 16 * 16; i < inputs; ++i) {
                    total = eb_add_wrap(total, in[i] * weight[k * inputs + i]);
                }
                out[o + k] = eb_fully_connected_s8_value(p, total, scale);
                scale += p->per_channel ? 3 : 0;
            }
        }
        in += inputs;
        out += p->outputs;
    }
}

/* The whole layer; the arguments are those of eb_fully_connected_s8_layer. */
EB_KERNEL void eb_fully_connected_s8_neon_layer(const eb_fully_connected *p,
                                                const int8_t *in,
                                                int8_t *out,
                                                const int8_t *weights,
                                                const int32_t *bias,
                                                const uint32_t *scales)
{
    eb_neon_layer(p, in, out, weights, bias, scales, 0);
}

/* The same, with SDOT where the core has it. */
EB_KERNEL void eb_fully_connected_s8_neon_any_layer(const eb_fully_connected *p,
                                                    const int8_t *in,
                                                    int8_t *out,
                                                    const int8_t *weights,
                                                    const int32_t *bias,
                                                    const uint32_t *scales)
{
    if (eb_has_sdot()) {
        eb_neon_layer(p, in, out, weights, bias, scales, 1);
    } else {
        eb_neon_layer(p, in, out, weights, bias, scales, 0);
    }
}

#endif /* EB_FULLY_CONNECTED_S8_NEON_H */
