/* Fully connected layer, int8, with packed weights: see eb_fully_connected.h and eb_tile_s8.h. */
#ifndef EB_FULLY_CONNECTED_S8_PACKED_H
#define EB_FULLY_CONNECTED_S8_PACKED_H

#include "eb_dot_wide_s8.h"
#include "eb_tile_s8.h"

/* Copies the inputs of a batch, and zeros up to a multiple of four, `taps`. */
static inline void eb_packed_pad(const int8_t *in, int32_t inputs, int32_t taps, int8_t *to)
{
#pragma GCC unroll 1
    for (int32_t i = 0; i < taps; ++i) {
        to[i] = i < inputs ? in[i] : 0;
    }
}

/* The whole layer by a tile of one pixel; weights, requant, scale: see eb_tile. scratch: `inputs`
 * bytes rounded up to fours, unused where they are fours. */
EB_INLINED void eb_fully_connected_s8_packed_by(void (*const tile)(eb_tile *),
                                                const eb_fully_connected *p,
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
            eb_packed_pad(in, inputs, taps, (int8_t *)scratch);
            t.values = scratch;
        }
        eb_run_this_tile(tile, &t, 0, requant, out, p->outputs);
        in += inputs;
        out += p->outputs;
    }
}

EB_KERNEL void eb_fully_connected_s8_packed_layer(const eb_fully_connected *p,
                                                  const int8_t *in,
                                                  int8_t *out,
                                                  const uint32_t *weights,
                                                  const int32_t *requant,
                                                  const int32_t *scale,
                                                  void *scratch)
{
    eb_fully_connected_s8_packed_by(eb_tile_4x1, p, in, out, weights, requant, scale, scratch);
}

/* The same for layers of many products: their loop is longer, and theirs alone. */
EB_KERNEL void eb_fully_connected_s8_packed_long_layer(const eb_fully_connected *p,
                                                       const int8_t *in,
                                                       int8_t *out,
                                                       const uint32_t *weights,
                                                       const int32_t *requant,
                                                       const int32_t *scale,
                                                       void *scratch)
{
    eb_fully_connected_s8_packed_by(eb_tile_4x1_long, p, in, out, weights, requant, scale, scratch);
}

/* The same with a scale for each output, two batches at a time; weights, requant: see eb_tile.
 *
 * scratch: of `inputs` rounded up to fours, four times as many bytes for two batches or more; and
 * where `inputs` are not fours, as many more for each of two batches, or for the only one.
 */
EB_KERNEL void eb_fully_connected_s8_packed_each_layer(const eb_fully_connected *p,
                                                       const int8_t *in,
                                                       int8_t *out,
                                                       const uint32_t *weights,
                                                       const int32_t *requant,
                                                       void *scratch)
{
    const int32_t inputs = p->inputs;
    const int32_t outputs = p->outputs;
    const int32_t taps = (inputs + 3) & ~3;
    const int is_padded = taps != inputs;
    int8_t *bytes = (int8_t *)scratch;
    eb_tile t;
    eb_tile_place(&t, p->output_zero_point, p->low, p->high);
    t.weights = weights;
    t.weight_bytes = 4 * taps;
    t.out_stride = outputs;
    if (p->batches > 1) {
        uint32_t *wide = (uint32_t *)scratch;
        bytes += is_padded ? 4 * taps : 0;
        t.values = wide;
        for (int32_t b = 0; b < p->batches - 1; b += 2) {
            const int8_t *first = in;
            const int8_t *second = in + inputs;
            if (is_padded) {
                eb_packed_pad(first, inputs, taps, bytes);
                eb_packed_pad(second, inputs, taps, bytes + taps);
                first = bytes;
                second = bytes + taps;
            }
            (void)eb_widen_2(first, second, wide, taps >> 2);
            eb_run_tile_once(&t, 1, requant, out, outputs);
            in += 2 * inputs;
            out += 2 * outputs;
        }
    }
    if ((p->batches & 1) != 0) {
        t.values = in;
        if (is_padded) {
            eb_packed_pad(in, inputs, taps, bytes);
            t.values = bytes;
        }
        eb_run_tile_once(&t, 0, requant, out, outputs);
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
