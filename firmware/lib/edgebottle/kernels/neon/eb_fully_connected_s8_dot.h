/* Fully connected layer, int8, with SDOT by element: see eb_fully_connected.h and eb_dot_tiles.h.
 */
#ifndef EB_FULLY_CONNECTED_S8_DOT_H
#define EB_FULLY_CONNECTED_S8_DOT_H

#include "eb_dot_tiles.h"

/* The whole layer; inputs is a multiple of four. weights, scales: packed by
 * edgebottle/ops/dot_packing.py. */
EB_KERNEL void eb_fully_connected_s8_dot_layer(const eb_fully_connected *p,
                                               const int8_t *in,
                                               int8_t *out,
                                               const int8_t *weights,
                                               const int32_t *scales)
{
    const eb_dot_windows batches = {NULL, in, 0, 1, 1, 0, p->inputs, 0, p->inputs};
    const eb_dot_outputs outputs = {
        scales, out, p->outputs, p->outputs, {p->output_zero_point, p->low, p->high}};
    eb_dot_tiles(p->batches, 1, &batches, weights, &outputs);
}

#endif /* EB_FULLY_CONNECTED_S8_DOT_H */
