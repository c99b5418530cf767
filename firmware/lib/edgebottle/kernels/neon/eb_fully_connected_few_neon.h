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

/* What the sums of batches are made of. */
typedef struct {
    uint8_t *values; /* of a batch, spread */
    uint8_t *counts; /* sums of their bytes */
    int32_t *sums;   /* of the outputs, in whole sixteens */
    eb_few_tile tile;
} eb_few_dense;

EB_INLINED void eb_few_dense_begin(const eb_fully_connected_few *p,
                                   const int8_t *weights,
                                   void *scratch,
                                   eb_few_dense *d)
{
    d->values = (uint8_t *)scratch;
    d->counts = d->values + p->rows.row_bytes;
    d->sums = (int32_t *)(void *)(d->counts + p->rows.plane_bytes);
    d->tile.few = &p->few;
    d->tile.window = d->values;
    d->tile.weights = (const uint8_t *)weights;
    d->tile.channels = p->dense.outputs;
    d->tile.base[0] = 0;
    d->tile.sums = d->sums;
}

/* The sums of a batch. */
EB_INLINED void
eb_few_dense_sums(const eb_fully_connected_few *p, const uint8_t *from, eb_few_dense *d)
{
    eb_few_spread(&p->rows, from, p->in_bytes, d->values);
    if (p->few.lowest != 0) {
        eb_few_byte_sums(&p->rows, 1, d->values, d->counts);
        d->tile.base[0] = p->few.lowest * eb_bytes_total(d->counts, p->rows.column);
    }
    p->few.one(&d->tile);
}

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
    eb_few_dense d;
    eb_few_dense_begin(p, weights, scratch, &d);
    for (int32_t b = 0; b < p->dense.batches; ++b) {
        const uint32_t *scale = scales;
        eb_few_dense_sums(p, from, &d);
        for (int32_t o = 0; o < p->dense.outputs; ++o) {
            const int32_t total = eb_add_wrap(d.sums[o], bias[o]);
            out[o] = eb_fully_connected_s8_value(&p->dense, total, scale);
            scale += p->dense.per_channel ? 3 : 0;
        }
        from += p->in_bytes;
        out += p->dense.outputs;
    }
}

/* The same; scales: those of eb_fully_connected_s8_quads_layer. */
EB_KERNEL void eb_fully_connected_few_quads_layer(const eb_fully_connected_few *p,
                                                  const void *in,
                                                  int8_t *out,
                                                  const int8_t *weights,
                                                  const int32_t *scales,
                                                  void *scratch)
{
    const uint8_t *from = (const uint8_t *)in;
    eb_few_dense d;
    eb_few_dense_begin(p, weights, scratch, &d);
    for (int32_t b = 0; b < p->dense.batches; ++b) {
        eb_few_dense_sums(p, from, &d);
        eb_neon_scaled_outputs(&p->dense, d.sums, scales, out, p->dense.outputs);
        from += p->in_bytes;
        out += p->dense.outputs;
    }
}

#endif /* EB_FULLY_CONNECTED_FEW_NEON_H */
