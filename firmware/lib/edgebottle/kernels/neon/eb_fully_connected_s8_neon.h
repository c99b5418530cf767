/* Fully connected layer, int8, four outputs at a time with NEON: see eb_fully_connected.h and
 * eb_neon.h. No weight is -128, and their zero point is 0.
 */
#ifndef EB_FULLY_CONNECTED_S8_NEON_H
#define EB_FULLY_CONNECTED_S8_NEON_H

#include "../../include/eb_neon.h"
#include "../../include/eb_rows.h"

/* Sums of products of `inputs` values with the weights of `outputs` outputs. Constants: outputs, 1
 * or 4; has_sdot. */
EB_INLINED eb_neon_sums eb_neon_products(
    const int8_t *in, const int8_t *weights, int32_t inputs, int32_t outputs, int has_sdot)
{
    eb_neon_sums sums[4] = {eb_neon_zero(), eb_neon_zero(), eb_neon_zero(), eb_neon_zero()};
    for (int32_t i = 0; i + 16 <= inputs; i += 16) {
        EB_UNROLLED
        for (int32_t o = 0; o < outputs; ++o) {
            sums[o] = eb_neon_dot_with(has_sdot, sums[o], in + i, weights + o * inputs + i);
        }
    }
    return eb_neon_join(sums[0], sums[1], sums[2], sums[3]);
}

/* Sums of the products of `count` outputs, 1 .. 4. has_sdot: a constant. */
EB_INLINED void eb_neon_totals(const int8_t *in,
                               const int8_t *weights,
                               int32_t inputs,
                               int32_t count,
                               int has_sdot,
                               int32_t *totals)
{
    if (count == 4) {
        eb_neon_put(totals, eb_neon_products(in, weights, inputs, 4, has_sdot));
    } else {
        for (int32_t o = 0; o < count; ++o) {
            int32_t sums[4];
            eb_neon_put(sums, eb_neon_products(in, weights + o * inputs, inputs, 1, has_sdot));
            totals[o] = sums[0];
        }
    }
    for (int32_t i = inputs / 16 * 16; i < inputs; ++i) {
        for (int32_t o = 0; o < count; ++o) {
            totals[o] = eb_add_wrap(totals[o], in[i] * weights[o * inputs + i]);
        }
    }
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
    for (int32_t b = 0; b < p->batches; ++b) {
        const uint32_t *scale = scales;
        for (int32_t o = 0; o < p->outputs; o += 4) {
            int32_t totals[4];
            const int32_t count = eb_min(p->outputs - o, 4);
            eb_neon_totals(in, weights + o * p->inputs, p->inputs, count, has_sdot, totals);
            for (int32_t k = 0; k < count; ++k) {
                const int32_t total = eb_add_wrap(totals[k], bias[o + k]);
                out[o + k] = eb_fully_connected_s8_value(p, total, scale);
                scale += p->per_channel ? 3 : 0;
            }
        }
        in += p->inputs;
        out += p->outputs;
    }
}

/* The outputs of a batch, of sums in whole fours. scales: packed by
 * edgebottle/ops/mve_packing.py, with the biases. */
EB_INLINED void eb_neon_scaled_outputs(const eb_fully_connected *p,
                                       const int32_t *totals,
                                       const int32_t *scales,
                                       int8_t *out,
                                       int32_t count)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    for (int32_t o = 0; o < count; o += 4) {
        const eb_neon_sums sums = eb_neon_plus(eb_neon_load(totals + o), eb_neon_load(scales));
        const eb_neon_sums scaled = eb_neon_scale_once(sums, scales);
        eb_neon_store(out + o, eb_neon_bounded(scaled, output), eb_min(count - o, 4));
        scales += EB_NEON_SCALES;
    }
}

/* The whole layer, whose outputs are scaled by vectors; has_sdot: a constant. */
EB_INLINED void eb_neon_quads(const eb_fully_connected *p,
                              const int8_t *in,
                              int8_t *out,
                              const int8_t *weights,
                              const int32_t *scales,
                              int has_sdot)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        for (int32_t o = 0; o < p->outputs; o += 4) {
            int32_t totals[4] = {0, 0, 0, 0};
            const int32_t count = eb_min(p->outputs - o, 4);
            eb_neon_totals(in, weights + o * p->inputs, p->inputs, count, has_sdot, totals);
            eb_neon_scaled_outputs(p, totals, scales + o / 4 * EB_NEON_SCALES, out + o, count);
        }
        in += p->inputs;
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

/* The whole layer, where vectors scale the outputs as LiteRT does; scales: with the biases. */
EB_KERNEL void eb_fully_connected_s8_quads_layer(const eb_fully_connected *p,
                                                 const int8_t *in,
                                                 int8_t *out,
                                                 const int8_t *weights,
                                                 const int32_t *scales)
{
    eb_neon_quads(p, in, out, weights, scales, 0);
}

/* The same, with SDOT where the core has it. */
EB_KERNEL void eb_fully_connected_s8_quads_any_layer(const eb_fully_connected *p,
                                                     const int8_t *in,
                                                     int8_t *out,
                                                     const int8_t *weights,
                                                     const int32_t *scales)
{
    if (eb_has_sdot()) {
        eb_neon_quads(p, in, out, weights, scales, 1);
    } else {
        eb_neon_quads(p, in, out, weights, scales, 0);
    }
}

#endif /* EB_FULLY_CONNECTED_S8_NEON_H */
