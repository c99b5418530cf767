/* Fully connected layer, int8, four outputs at a time: see eb_fully_connected.h, eb_scale_s8.h.
 *
 * For weights without a zero point.
 */
#ifndef EB_FULLY_CONNECTED_S8_FOURS_H
#define EB_FULLY_CONNECTED_S8_FOURS_H

#include "eb_dot_fours_s8.h"
#include "eb_scale_s8.h"

/* The whole layer.
 *
 * weights: outputs x inputs, and rows of zeros up to fours of outputs; bias: as many; scale: one
 * record, without a pivot, for sums with their bias.
 */
EB_KERNEL void eb_fully_connected_s8_fours_layer(const eb_fully_connected *p,
                                                 const int8_t *in,
                                                 int8_t *out,
                                                 const int8_t *weights,
                                                 const int32_t *bias,
                                                 const int32_t *scale)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *row = weights;
        for (int32_t o = 0; o < p->outputs; o += 4) {
            int32_t sums[4] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
            eb_dot_fours(in, p->inputs, row, sums);
            eb_scale_s8(scale, 0, sums, eb_min(4, p->outputs - o), out + o, 1);
            row += 4 * p->inputs;
        }
        in += p->inputs;
        out += p->outputs;
    }
}

/* The same with a scale for each output: as many records. */
EB_KERNEL void eb_fully_connected_s8_fours_each_layer(const eb_fully_connected *p,
                                                      const int8_t *in,
                                                      int8_t *out,
                                                      const int8_t *weights,
                                                      const int32_t *bias,
                                                      const int32_t *scales)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *row = weights;
        const int32_t *scale = scales;
        for (int32_t o = 0; o < p->outputs; o += 4) {
            int32_t sums[4] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
            const int32_t count = eb_min(4, p->outputs - o);
            eb_dot_fours(in, p->inputs, row, sums);
            for (int32_t k = 0; k < count; ++k) {
                eb_scale_s8(scale, 0, sums + k, 1, out + o + k, 1);
                scale += EB_SCALE_WORDS(0);
            }
            row += 4 * p->inputs;
        }
        in += p->inputs;
        out += p->outputs;
    }
}

/* The same with scales of LiteRT's doubles, where no short multiplier suits: high, low and shift of
 * each output if `per_channel`, else of all. With its bias a sum may wrap. */
EB_KERNEL void eb_fully_connected_s8_fours_exact_layer(const eb_fully_connected *p,
                                                       const int8_t *in,
                                                       int8_t *out,
                                                       const int8_t *weights,
                                                       const int32_t *bias,
                                                       const uint32_t *scales)
{
    for (int32_t b = 0; b < p->batches; ++b) {
        const int8_t *row = weights;
        const uint32_t *scale = scales;
        for (int32_t o = 0; o < p->outputs; o += 4) {
            int32_t sums[4] = {0, 0, 0, 0};
            const int32_t count = eb_min(4, p->outputs - o);
            eb_dot_fours(in, p->inputs, row, sums);
            for (int32_t k = 0; k < count; ++k) {
                const int32_t total = eb_add_wrap(sums[k], bias[o + k]);
                out[o + k] = eb_fully_connected_s8_value(p, total, scale);
                scale += p->per_channel ? 3 : 0;
            }
            row += 4 * p->inputs;
        }
        in += p->inputs;
        out += p->outputs;
    }
}

#endif /* EB_FULLY_CONNECTED_S8_FOURS_H */
