/* Depthwise 3x3 convolution, int8, with the DSP instructions: see eb_depthwise_conv_2d.h.
 *
 * Four channels at a time. Their columns under an output row are first widened into a strip, two
 * columns to a group, of which each channel has three words: the upper two rows of the first
 * column, of the second column (a pair of int16 each), and the lowest row of both. A SMLAD then
 * takes two taps of one channel, and the window of a channel stays in registers along the row.
 */
#ifndef EB_DEPTHWISE_3X3_S8_DSP_H
#define EB_DEPTHWISE_3X3_S8_DSP_H

#include "eb_depthwise_3x3_tiles.h"

/* Fills `taps` with six pointers for each group of columns: three rows of two pixels. Those out of
 * the image point to `outside`. */
static inline void eb_depthwise_3x3_taps(const eb_depthwise_3x3 *p,
                                         const void *const *rows,
                                         const int8_t *outside,
                                         eb_tap *taps,
                                         int32_t groups)
{
    for (int32_t k = 0; k < 3; ++k) {
        const int8_t *pixel = (const int8_t *)rows[k];
        eb_tap *to = taps + 2 * k; /* the pixel on the left of a group; that on the right follows */
        int32_t to_next = 1;
        int32_t left = 2 * groups;
        for (int32_t inside = 0; inside < 2; ++inside) {
            /* The padding on the left, then the pixels. */
            const int32_t most = inside ? (pixel != NULL ? p->input_width : 0) : p->pad_left;
            const int32_t count = eb_min(most, left);
            const int32_t step = inside ? p->channels : 0;
            const int8_t *tap = inside ? pixel : outside;
            left -= count;
            for (int32_t i = 0; i < count; ++i) {
                to->tap = tap;
                tap += step;
                to += to_next;
                to_next ^= 1 ^ 5;
            }
        }
        for (; left != 0; --left) {
            to->tap = outside;
            to += to_next;
            to_next ^= 1 ^ 5;
        }
    }
}

/* One output row. */
EB_INLINED void eb_depthwise_3x3_s8_row_inlined(const eb_depthwise_3x3 *p,
                                                const void *const *rows,
                                                int8_t *out,
                                                int32_t out_pixel_stride,
                                                const int32_t *records,
                                                void *scratch,
                                                eb_depthwise_3x3_tile *tile)
{
    const int32_t groups = p->groups;
    uint32_t *strip = (uint32_t *)scratch;
    int8_t *outside = (int8_t *)(strip + EB_DEPTHWISE_3X3_GROUP * groups);
#if UINTPTR_MAX > 0xffffffff
    eb_tap taps[6 * groups]; /* the scratch has room for the pointers of a 32-bit target */
#else
    eb_tap *taps = (eb_tap *)(void *)(outside + ((p->channels + 3) & ~3));
#endif
    memset(outside, p->input_zero_point, (size_t)p->channels);
    eb_depthwise_3x3_taps(p, rows, outside, taps, groups);
    for (int32_t c = 0; c < p->channels; c += 4) {
        /* The last four channels begin earlier where the channels are no multiple of four. */
        const int32_t channel = eb_min(c, p->channels - 4);
        eb_depthwise_3x3_widen(taps, taps + 6 * groups, channel, strip);
        tile(strip, records + channel * EB_DEPTHWISE_3X3_RECORD, out + channel, out_pixel_stride,
             p->output_width);
    }
}

EB_ROW void eb_depthwise_3x3_s8_row(const eb_depthwise_3x3 *p,
                                    const void *const *rows,
                                    int8_t *out,
                                    int32_t out_pixel_stride,
                                    const int32_t *records,
                                    void *scratch,
                                    eb_depthwise_3x3_tile *tile)
{
    eb_depthwise_3x3_s8_row_inlined(p, rows, out, out_pixel_stride, records, scratch, tile);
}

/* All output rows. is_shared: a constant: not 0 if layers that run row by row share its rows. */
EB_INLINED void eb_depthwise_3x3_s8_layer_by(int is_shared, const eb_depthwise_3x3_whole *layer)
{
    const void *rows[3];
    EB_ROLLED
    for (int32_t y = 0; y < layer->walk.output_rows; ++y) {
        int8_t *out = (int8_t *)eb_walk_to(&layer->walk, y, 3, rows);
        void *scratch = eb_scratch(layer->scratch);
        if (is_shared) {
            eb_depthwise_3x3_s8_row(&layer->params, rows, out, layer->out_pixel_stride,
                                    layer->records, scratch, layer->tile);
        } else {
            eb_depthwise_3x3_s8_row_inlined(&layer->params, rows, out, layer->out_pixel_stride,
                                            layer->records, scratch, layer->tile);
        }
    }
}

EB_INLINED void eb_depthwise_3x3_s8_layer_inlined(const eb_depthwise_3x3_whole *layer)
{
    eb_depthwise_3x3_s8_layer_by(0, layer);
}

EB_KERNEL void eb_depthwise_3x3_s8_layer(const eb_depthwise_3x3_whole *layer)
{
    eb_depthwise_3x3_s8_layer_by(1, layer);
}

#include "eb_depthwise_3x3_few.h"

#endif /* EB_DEPTHWISE_3X3_S8_DSP_H */
