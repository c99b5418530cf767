/* 2-D convolution, int8, with SDOT by element: see eb_conv_2d.h and eb_dot_tiles.h. No groups.
 *
 * Windows are read where they lie, if all of them are in the image and their runs are multiples of
 * four bytes; else from a copy of the rows with zero points around them. Short runs are collected
 * to windows first. Weights behind the last value of a run are zero, so that any bytes may stand
 * there.
 */
#ifndef EB_CONV_2D_S8_DOT_H
#define EB_CONV_2D_S8_DOT_H

#include "eb_dot_tiles.h"

/* The parameters of a layer. */
typedef struct {
    eb_conv_2d conv;
    int32_t columns;   /* from the first one of the first window to the last one of the last */
    int32_t row_bytes; /* from one copied row to the next: >= columns and four bytes */
    int32_t parts;     /* runs of a window's row, */
    int32_t run;       /* of so many values each */
    int32_t collected; /* bytes from a window that is collected to the next; 0: none is */
} eb_conv_2d_dot;

/* Fills `bytes`, and up to fifteen more. */
static inline void eb_dot_fill(int8_t *to, eb_neon_fours values, int32_t bytes)
{
    EB_ROLLED
    for (; bytes > 0; bytes -= 16) {
        eb_neon_fours_store(to, values);
        to = (int8_t *)eb_scratch(to + 16); /* else this becomes memset */
    }
}

/* Copies `bytes`, mostly few, for which memcpy takes long to begin. */
static inline void eb_dot_copy_row(int8_t *to, const int8_t *from, int32_t bytes)
{
    if (bytes >= 16) {
        memcpy(to, from, (size_t)bytes);
        return;
    }
    for (int32_t part = 8; part > 0; part /= 2) {
        if (bytes >= part) {
            memcpy(to, from, (size_t)part);
            to += part;
            from += part;
            bytes -= part;
        }
    }
}

/* Rows with zero points around them. */
static inline void eb_dot_copy_rows(const eb_conv_2d_dot *p, const void *const *rows, int8_t *to)
{
    const eb_conv_2d *conv = &p->conv;
    const int32_t depth = conv->input_channels;
    const int32_t first = eb_max(-conv->pad_left, 0);
    const int32_t left = eb_min(eb_max(conv->pad_left, 0), p->columns);
    const int32_t inside = eb_max(eb_min(conv->input_width - first, p->columns - left), 0);
    const int32_t right = p->columns - left - inside;
    const eb_neon_fours outside = eb_neon_fours_repeat(conv->input_zero_point);
    for (int32_t ky = 0; ky < conv->kernel_height; ++ky) {
        if (rows[ky] == NULL) {
            eb_dot_fill(to, outside, p->columns * depth);
        } else {
            eb_dot_fill(to, outside, left * depth);
            eb_dot_copy_row(to + left * depth, (const int8_t *)rows[ky] + first * depth,
                            inside * depth);
            eb_dot_fill(to + (left + inside) * depth, outside, right * depth);
        }
        to += p->row_bytes;
    }
}

/* Whether all windows can be read where they are. */
static inline int eb_dot_reads_rows(const eb_conv_2d_dot *p, const void *const *rows)
{
    const eb_conv_2d *conv = &p->conv;
    int reads = p->collected == 0 && p->run % 4 == 0 && conv->pad_left <= 0 &&
                p->columns - conv->pad_left <= conv->input_width;
    for (int32_t ky = 0; ky < conv->kernel_height; ++ky) {
        reads &= rows[ky] != NULL;
    }
    return reads;
}

/* Copies the runs of all windows from copies of rows, four windows at a time: sixteen bytes of each
 * run, the first of which are its own. */
static inline void eb_dot_collect(const eb_conv_2d_dot *p, const eb_dot_windows *w, int8_t *to)
{
    const int32_t run = p->run;
    const int32_t next = p->collected;
    const int32_t apart = w->apart;
    const int32_t step = w->step;
    for (int32_t x = 0; x < p->conv.output_width; x += 4) {
        int8_t *window = to + x * next;
        for (int32_t r = 0; r < w->row_count; ++r) {
            const int8_t *from = w->first + r * w->row_bytes + x * step;
            EB_ROLLED
            for (int32_t part = w->parts; part > 0; --part) {
                EB_UNROLLED
                for (int32_t i = 0; i < 4; ++i) {
                    eb_neon_fours_store(window + i * next, eb_neon_fours_load(from + i * step));
                }
                window += run;
                from += apart;
            }
        }
    }
}

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/dot_packing.py; scratch: kernel_height rows of
 * row_bytes, fours of windows of `collected` bytes for all pixels, and what is read or written
 * behind them; NULL where windows of runs that are not collected never leave the image.
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
                              p->row_bytes,
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
        eb_dot_copy_rows(p, rows, (int8_t *)scratch);
        windows.rows = NULL;
        windows.offset = 0;
    }
    if (p->collected != 0) {
        int8_t *to = (int8_t *)scratch + conv->kernel_height * p->row_bytes;
        const int32_t bytes = conv->kernel_height * p->parts * p->run;
        const eb_dot_windows one = {NULL, to, 0, 1, 1, 0, (bytes + 3) / 4 * 4, 0, p->collected};
        eb_dot_collect(p, &windows, to);
        windows = one;
    }
    eb_dot_tiles(conv->output_width, 0, &windows, weights, &outputs);
}

#endif /* EB_CONV_2D_S8_DOT_H */
