/* Fully connected layer, int8, eight or four outputs at a time with NEON: see eb_fully_connected.h
 * and eb_neon.h. No weight is -128, and their zero point is 0.
 */
#ifndef EB_FULLY_CONNECTED_S8_NEON_H
#define EB_FULLY_CONNECTED_S8_NEON_H

#include "../../include/eb_neon.h"
#include "../../include/eb_rows.h"

/* Sums of products of `inputs` values with the weights of `outputs` outputs; at least four totals
 * are written. Constants: outputs, 1, 4 or 8; has_sdot. */
EB_INLINED void eb_neon_products(const int8_t *in,
                                 const int8_t *weights,
                                 int32_t inputs,
                                 int32_t outputs,
                                 int has_sdot,
                                 int32_t *totals)
{
    eb_neon_sums sums[8];
    const int8_t *rows[8];
    EB_UNROLLED
    for (int32_t o = 0; o < 8; ++o) {
        sums[o] = eb_neon_zero();
        rows[o] = eb_place(weights + eb_min(o, outputs - 1) * inputs);
    }
    EB_ROLLED
    for (int32_t left = inputs / 16; left > 0; --left) {
        EB_UNROLLED
        for (int32_t o = 0; o < outputs; ++o) {
            sums[o] = eb_neon_dot_with(has_sdot, sums[o], in, rows[o]);
            rows[o] += 16;
        }
        in += 16;
    }
    if ((inputs & 8) != 0) {
        EB_UNROLLED
        for (int32_t o = 0; o < outputs; ++o) {
            sums[o] = eb_neon_dot_8(sums[o], in, rows[o]);
            rows[o] += 8;
        }
        in += 8;
    }
    eb_neon_put(totals, eb_neon_join(sums[0], sums[1], sums[2], sums[3]));
    if (outputs == 8) {
        eb_neon_put(totals + 4, eb_neon_join(sums[4], sums[5], sums[6], sums[7]));
    }
    EB_ROLLED
    for (int32_t i = 0; i < (inputs & 7); ++i) {
        EB_UNROLLED
        for (int32_t o = 0; o < outputs; ++o) {
            totals[o] = eb_add_wrap(totals[o], in[i] * rows[o][i]);
        }
    }
}

/* The same of `count` outputs, 1 .. 4, which is no constant. */
EB_INLINED void eb_neon_totals(const int8_t *in,
                               const int8_t *weights,
                               int32_t inputs,
                               int32_t count,
                               int has_sdot,
                               int32_t *totals)
{
    if (count == 4) {
        eb_neon_products(in, weights, inputs, 4, has_sdot, totals);
        return;
    }
    for (int32_t o = 0; o < count; ++o) {
        int32_t sums[4];
        eb_neon_products(in, weights + o * inputs, inputs, 1, has_sdot, sums);
        totals[o] = sums[0];
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

/* Eight of them. */
EB_INLINED void eb_neon_scaled_eight(const eb_fully_connected *p,
                                     const int32_t *totals,
                                     const int32_t *scales,
                                     int8_t *out)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const int32_t *const more = scales + EB_NEON_SCALES;
    const eb_neon_sums first = eb_neon_plus(eb_neon_load(totals), eb_neon_load(scales));
    const eb_neon_sums second = eb_neon_plus(eb_neon_load(totals + 4), eb_neon_load(more));
    eb_neon_store_8(out, eb_neon_scale_once(first, scales), eb_neon_scale_once(second, more),
                    output);
}

/* The whole layer, whose outputs are scaled by vectors; has_sdot: a constant. */
EB_INLINED void eb_neon_quads(const eb_fully_connected *p,
                              const int8_t *in,
                              int8_t *out,
                              const int8_t *weights,
                              const int32_t *scales,
                              int has_sdot)
{
    const int32_t eights = p->outputs & ~7;
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *row = weights;
        const int32_t *scale = scales;
        for (int32_t o = 0; o < eights; o += 8) {
            int32_t totals[8];
            eb_neon_products(in, row, p->inputs, 8, has_sdot, totals);
            eb_neon_scaled_eight(p, totals, scale, out + o);
            row += 8 * p->inputs;
            scale += 2 * EB_NEON_SCALES;
        }
        for (int32_t o = eights; o < p->outputs; o += 4) {
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
