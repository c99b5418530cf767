/* Fully connected layer, weights or inputs of few bits, with NEON: see eb_fully_connected.h and
 * eb_few.h. The inputs of a batch are the values of a window; its sums stay in the scratch.
 */
#ifndef EB_FULLY_CONNECTED_FEW_NEON_H
#define EB_FULLY_CONNECTED_FEW_NEON_H

#include "../../include/eb_conv_2d.h"
#include "eb_few.h"
#include "eb_few_spread.h"

/* The parameters of a layer. sums: the form of eb_few.h that keeps sums. */
typedef struct {
    eb_fully_connected dense;
    eb_few_rows rows;
    eb_few few;
    int32_t in_bytes; /* that are stored of a batch */
} eb_fully_connected_few;

/* The whole layer.
 *
 * weights: packed by edgebottle/ops/few_packing.py; bias, scales: those of
 * eb_fully_connected_s8_layer; scratch: rows.row_bytes, rows.plane_bytes, and four bytes for each
 * output, of which there are whole sixteens.
 */
EB_KERNEL void eb_fully_connected_few_neon_layer(const eb_fully_connected_few *p,
                                                 const void *in,
                                                 int8_t *out,
                                                 const int8_t *weights,
                                                 const int32_t *bias,
                                                 const uint32_t *scales,
                                                 void *scratch)
{
    const uint8_t *from = (const uint8_t *)in;
    uint8_t *values = (uint8_t *)scratch;
    uint8_t *counts = values + p->rows.row_bytes;
    int32_t *sums = (int32_t *)(void *)(counts + p->rows.plane_bytes);
    eb_few_tile t;
    t.few = &p->few;
    t.window = values;
    t.weights = (const uint8_t *)weights;
    t.channels = p->dense.outputs;
    t.base[0] = 0;
    t.sums = sums;
    for (int32_t b = 0; b < p->dense.batches; ++b) {
        const uint32_t *scale = scales;
        eb_few_spread(&p->rows, from, p->in_bytes, values);
        if (p->few.lowest != 0) {
            eb_few_byte_sums(&p->rows, 1, values, counts);
            t.base[0] = p->few.lowest * eb_bytes_total(counts, p->rows.column);
        }
        p->few.one(&t);
        for (int32_t o = 0; o < p->dense.outputs; ++o) {
            out[o] = eb_fully_connected_s8_value(&p->dense, eb_add_wrap(sums[o], bias[o]), scale);
            scale += p->dense.per_channel ? 3 : 0;
        }
        from += p->in_bytes;
        out += p->dense.outputs;
    }
}

#endif /* EB_FULLY_CONNECTED_FEW_NEON_H */
