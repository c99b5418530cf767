/* 2-D convolution, int8, with SDOT by element: see eb_conv_2d.h and eb_dot_tiles.h. No groups.
 *
 * Windows are read where they lie, if all of them are in the image and their runs are multiples of
 * four bytes; else from a copy of the rows with zero points around them. Weights behind the last
 * value of a run are zero, so that any bytes may stand there.
 */
#ifndef EB_CONV_2D_S8_DOT_H
#define EB_CONV_2D_S8_DOT_H

#include "eb_dot_tiles.h"
#include "eb_few_spread.h"

/* The parameters of a layer; rows: how they are copied. */
typedef struct {
    eb_conv_2d conv;
    eb_few_rows rows;
    int32_t parts; /* runs of a window's row, */
    int32_t run;   /* of so many values each */
} eb_conv_2d_dot;

/* Whether all windows can be read where they are. */
static inline int eb_dot_reads_rows(const eb_conv_2d_dot *p, const void *const *rows)
{
    const eb_conv_2d *conv = &p->conv;
    int reads = p->run % 4 == 0 && conv->pad_left <= 0 &&
                p->rows.columns - conv->pad_left <= conv->input_width;
    for (int32_t ky = 0; ky < conv->kernel_height; ++ky) {
        reads &= rows[ky] != NULL;
    }
    return reads;
}

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/dot_packing.py; scratch: kernel_height rows of
 * rows.row_bytes; NULL where windows of such runs never leave the image.
 */
EB_KERNEL void eb_conv_2d_s8_dot_row(const eb_conv_2d_dot *p,
                                     const void *const *rows,
                                     int8_t *out,
                                     int32_t out_pixel_stride,
                                     const int8_t *weights,
                                     const int32_t *scales,
                                     void *scratch)
{
    const eb_conv_2d *conv = &p->conv;
    const int32_t depth = conv->input_channels;
    eb_dot_windows windows = {(const int8_t *const *)(const void *)rows,
                              (const int8_t *)scratch,
                              p->rows.row_bytes,
                              conv->kernel_height,
                              p->parts,
                              conv->dilation_width * depth,
                              (p->run + 3) / 4 * 4,
                              -conv->pad_left * depth,
                              conv->stride_width * depth};
    const eb_dot_outputs outputs = {scales,
                                    out,
                                    out_pixel_stride,
                                    conv->output_channels,
                                    {conv->output_zero_point, conv->low, conv->high}};
    if (!eb_dot_reads_rows(p, rows)) {
        eb_few_spread_rows(conv, &p->rows, rows, (uint8_t *)scratch);
        windows.rows = NULL;
        windows.offset = 0;
    }
    eb_dot_tiles(conv->output_width, &windows, weights, &outputs);
}

#endif /* EB_CONV_2D_S8_DOT_H */
