/* 2-D convolution, int8, with weights of 4, 2 or 1 bits: see eb_conv_2d.h and eb_tile_levels.h. */
#ifndef EB_CONV_2D_LEVELS_H
#define EB_CONV_2D_LEVELS_H

#include "eb_conv_2d_s8_packed.h"
#include "eb_tile_levels.h"

/* The values of a window of one pixel, widened behind those bytes that are gathered. */
static inline const void *eb_levels_single(const eb_packed_source *s, int32_t column, int32_t *sum)
{
    const int8_t *from = (const int8_t *)eb_packed_values(s, column, 0);
    uint32_t *to = (uint32_t *)(void *)(s->scratch + s->taps + 4);
    *sum = eb_widen_sum(from, s->taps, to);
    return to;
}

/* The values of the windows of two pixels, and their sums. */
static inline const void *eb_levels_pair(const eb_packed_source *s, int32_t column, int32_t *sums)
{
    if (s->pixels != NULL) {
        const int32_t depth = s->p->input_channels;
        const int8_t *from = s->pixels + column * depth;
        eb_widen_sum_2(from, from + s->p->stride_width * depth, (uint32_t *)(void *)s->scratch,
                       s->taps >> 2, sums);
        return s->scratch;
    }
    const void *values = eb_packed_values(s, column, 1);
    eb_sum_wide_2((const uint32_t *)values, s->taps >> 2, sums);
    return values;
}

/* One output row; weights: codes, requant: see eb_tile_levels; bits: of an output. */
EB_INLINED void eb_conv_2d_levels_row_inlined(const eb_conv_2d *p,
                                              const void *const *rows,
                                              int8_t *out,
                                              int32_t out_pixel_stride,
                                              const eb_levels *levels,
                                              const uint32_t *weights,
                                              const int32_t *requant,
                                              void *scratch,
                                              int32_t bits)
{
    const eb_packed_source source = eb_packed_begin(p, rows, (int8_t *)scratch);
    const int32_t taps = eb_levels_taps(source.taps, levels->bits);
    int32_t column = -p->pad_left;
    eb_tile_levels t;
    eb_tile_place(&t.tile, p->output_zero_point, p->low, p->high);
    eb_levels_place(&t, levels, taps);
    t.tile.weights = weights;
    t.tile.out_stride = out_pixel_stride;
    for (int32_t x = 0; x < p->output_width; x += 2) {
        int32_t sums[2] = {0, 0};
        const int is_pair = x + 1 < p->output_width;
        if (is_pair) {
            t.tile.values = eb_levels_pair(&source, column, sums);
        } else {
            t.tile.values = eb_levels_single(&source, column, sums);
        }
        if (is_pair && levels->is_whole) {
            eb_levels_set_start(&t, 0, sums[0]);
            eb_levels_set_start(&t, 1, sums[1]);
        } else {
            eb_levels_set_sum(&t, levels, 0, sums[0]);
            eb_levels_set_sum(&t, levels, 1, sums[1]);
        }
        if (bits == 8) {
            eb_run_this_tile(is_pair ? levels->pair : levels->single, &t.tile, is_pair, requant,
                             out, p->output_channels);
        } else {
            eb_run_bits_tile(is_pair ? levels->pair : levels->single, &t.tile, is_pair, requant,
                             out, p->output_channels, bits);
        }
        column += 2 * p->stride_width;
        out += 2 * out_pixel_stride;
    }
}

EB_KERNEL void eb_conv_2d_levels_row(const eb_conv_2d *p,
                                     const void *const *rows,
                                     int8_t *out,
                                     int32_t out_pixel_stride,
                                     const eb_levels *levels,
                                     const uint32_t *weights,
                                     const int32_t *requant,
                                     void *scratch)
{
    eb_conv_2d_levels_row_inlined(p, rows, out, out_pixel_stride, levels, weights, requant, scratch,
                                  8);
}

/* The same with outputs of 4, 2 or 1 bits, and such tiles; out_pixel_stride still counts bytes. */
EB_KERNEL void eb_conv_2d_levels_bits_row(const eb_conv_2d *p,
                                          const void *const *rows,
                                          uint8_t *out,
                                          int32_t out_pixel_stride,
                                          const eb_levels *levels,
                                          int32_t bits,
                                          const uint32_t *weights,
                                          const int32_t *requant,
                                          void *scratch)
{
    eb_conv_2d_levels_row_inlined(p, rows, (int8_t *)out, out_pixel_stride, levels, weights,
                                  requant, scratch, bits);
}

/* All output rows, and how codes become weights. */
typedef struct {
    eb_conv_2d params;
    eb_walk walk;
    eb_levels levels;
    int32_t out_pixel_stride;
    const void *weights;
    const int32_t *requant;
    void *scratch;
} eb_conv_2d_levels;

/* kernel_height: at most EB_WALK_ROWS. */
EB_INLINED void eb_conv_2d_levels_layer_inlined(const eb_conv_2d_levels *layer)
{
    const void *rows[EB_WALK_ROWS];
    EB_ROLLED
    for (int32_t y = 0; y < layer->walk.output_rows; ++y) {
        int8_t *out = (int8_t *)eb_walk_to(&layer->walk, y, layer->params.kernel_height, rows);
        eb_conv_2d_levels_row_inlined(&layer->params, rows, out, layer->out_pixel_stride,
                                      &layer->levels, (const uint32_t *)layer->weights,
                                      layer->requant, eb_scratch(layer->scratch), 8);
    }
}

EB_KERNEL void eb_conv_2d_levels_layer(const eb_conv_2d_levels *layer)
{
    eb_conv_2d_levels_layer_inlined(layer);
}

#endif /* EB_CONV_2D_LEVELS_H */
