/* Fully connected layer, int8, with weights of 4, 2 or 1 bits: see eb_fully_connected.h and
 * eb_tile_levels.h. */
#ifndef EB_FULLY_CONNECTED_LEVELS_H
#define EB_FULLY_CONNECTED_LEVELS_H

#include "eb_fully_connected_s8.h"
#include "eb_tile_levels.h"

/* The whole layer; weights: codes, requant: see eb_tile_levels; scale: NULL, or of all outputs.
 *
 * scratch: two bytes for each input, of which there are fours, for 1 bit eights.
 */
EB_KERNEL void eb_fully_connected_levels_layer(const eb_fully_connected *p,
                                               const int8_t *in,
                                               int8_t *out,
                                               const eb_levels *levels,
                                               const uint32_t *weights,
                                               const int32_t *requant,
                                               const int32_t *scale,
                                               void *scratch)
{
    const int32_t inputs = p->inputs;
    const int32_t taps = eb_levels_taps((inputs + 3) & ~3, levels->bits);
    eb_tile_levels t;
    eb_tile_place(&t.tile, p->output_zero_point, p->low, p->high);
    eb_levels_place(&t, levels, taps);
    t.tile.once = scale;
    t.tile.weights = weights;
    t.tile.values = scratch;
    t.tile.out_stride = 0;
    for (int32_t b = 0; b < p->batches; ++b) {
        const int32_t sum = eb_widen_sum(in, inputs, (uint32_t *)scratch);
        if (levels->is_whole && scale == NULL) {
            eb_levels_set_single_start(&t, sum);
        } else {
            eb_levels_set_sum(&t, levels, 0, sum);
        }
        eb_run_this_tile(levels->single, &t.tile, 0, requant, out, p->outputs);
        in += inputs;
        out += p->outputs;
    }
}

#endif /* EB_FULLY_CONNECTED_LEVELS_H */
