/* 2-D convolution, int8, with NEON: see eb_conv_2d.h and eb_neon.h. No groups.
 *
 * Sixteen values at a time of the windows of four pixels are multiplied with those of four output
 * channels, where they lie if the rows of a window are multiples of sixteen, else from copies that
 * are padded to one. Weights behind the last value of a window are zero, so that any bytes may
 * stand there.
 */
#ifndef EB_CONV_2D_S8_NEON_H
#define EB_CONV_2D_S8_NEON_H

#include <string.h>

#include "../../include/eb_neon.h"
#include "../../include/eb_rows.h"

/* Copies a window's values; outside of the image are zero points. */
static inline void
eb_neon_collect(const eb_conv_2d *p, const void *const *rows, int32_t column, int8_t *to)
{
    const int32_t depth = p->input_channels;
    const int32_t last = column + (p->kernel_width - 1) * p->dilation_width;
    const int is_whole = p->dilation_width == 1 && column >= 0 && last < p->input_width;
    /* Taps that lie side by side are one run. */
    const int32_t taps = is_whole ? p->kernel_width : 1;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const int8_t *row = (const int8_t *)rows[ky];
        for (int32_t kx = 0; kx < p->kernel_width; kx += taps) {
            const int32_t x = column + kx * p->dilation_width;
            const size_t bytes = (size_t)(taps * depth);
            if (row != NULL && x >= 0 && x < p->input_width) {
                memcpy(to, row + x * depth, bytes);
            } else {
                memset(to, p->input_zero_point, bytes);
            }
            to += bytes;
        }
    }
}

/* The values of some windows: `runs` runs of `run` bytes, a multiple of sixteen. Those of pixel i
 * begin i * step bytes behind `rows` + offset. */
typedef struct {
    const int8_t *const *rows;
    int32_t runs;
    int32_t run;
    int32_t offset;
    int32_t step;
} eb_neon_windows;

/* All channels of `pixels` pixels. Constants: pixels, 1 or 4; has_sdot. */
EB_INLINED void eb_neon_pixels(const eb_conv_2d *p,
                               int32_t pixels,
                               int has_sdot,
                               const eb_neon_windows *windows,
                               const int8_t *weights,
                               const int32_t *scales,
                               int8_t *out,
                               int32_t out_pixel_stride)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const eb_neon_windows w = *windows; /* which no output can be part of */
    for (int32_t left = p->output_channels; left > 0; left -= 4) {
        eb_neon_sums sums[4][4];
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            EB_UNROLLED
            for (int32_t c = 0; c < 4; ++c) {
                sums[i][c] = eb_neon_zero();
            }
        }
        /* There is one of both at least: loops that may be none take a copy of all sums. */
        int32_t r = 0;
        EB_ROLLED
        do {
            const int8_t *from = w.rows[r] + w.offset;
            const int8_t *end = from + w.run;
            EB_ROLLED
            do {
                EB_UNROLLED
                for (int32_t i = 0; i < pixels; ++i) {
                    EB_UNROLLED
                    for (int32_t c = 0; c < 4; ++c) {
                        sums[i][c] = eb_neon_dot_with(has_sdot, sums[i][c], from + i * w.step,
                                                      weights + 16 * c);
                    }
                }
                weights += 64;
                from += 16;
            } while (from != end);
        } while (++r != w.runs);
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            const eb_neon_sums joined =
                eb_neon_join(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
            eb_neon_store(out + i * out_pixel_stride, eb_neon_requantize(joined, scales, output),
                          left);
        }
        scales += EB_NEON_SCALES;
        out += 4;
    }
}

typedef void eb_neon_tile(const eb_conv_2d *p,
                          const eb_neon_windows *windows,
                          const int8_t *weights,
                          const int32_t *scales,
                          int8_t *out,
                          int32_t out_pixel_stride);

/* A tile of so many pixels. */
#define EB_NEON_TILE(NAME, PIXELS, HAS_SDOT)                                                       \
    EB_KERNEL void NAME(const eb_conv_2d *p, const eb_neon_windows *windows,                       \
                        const int8_t *weights, const int32_t *scales, int8_t *out,                 \
                        int32_t out_pixel_stride)                                                  \
    {                                                                                              \
        eb_neon_pixels(p, PIXELS, HAS_SDOT, windows, weights, scales, out, out_pixel_stride);      \
    }

EB_NEON_TILE(eb_neon_four_pixels, 4, 0)
EB_NEON_TILE(eb_neon_one_pixel, 1, 0)
EB_NEON_TILE(eb_neon_four_pixels_sdot, 4, 1)
EB_NEON_TILE(eb_neon_one_pixel_sdot, 1, 1)

/* Whether windows can be read where they are, row by row, as long as they lie in the image. A
 * single tap has no distance to another one. */
static inline int eb_neon_reads_rows(const eb_conv_2d *p, const void *const *rows)
{
    const int is_run = p->dilation_width == 1 || p->kernel_width == 1;
    int reads = is_run && p->kernel_width * p->input_channels % 16 == 0;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        reads &= rows[ky] != NULL;
    }
    return reads;
}

/* One output row, with the tiles four and one: see eb_conv_2d_s8_neon_row. */
EB_INLINED void eb_neon_row(const eb_conv_2d *p,
                            const void *const *rows,
                            int8_t *out,
                            int32_t out_pixel_stride,
                            const int8_t *weights,
                            const int32_t *scales,
                            void *scratch,
                            eb_neon_tile *four,
                            eb_neon_tile *one)
{
    const int32_t depth = p->input_channels;
    const int32_t count = (p->kernel_height * p->kernel_width * depth + 15) / 16 * 16;
    const int reads_rows = eb_neon_reads_rows(p, rows);
    const int8_t *const collected[1] = {(const int8_t *)scratch};
    const eb_neon_windows in_rows = {(const int8_t *const *)(const void *)rows, p->kernel_height,
                                     p->kernel_width * depth, 0, p->stride_width * depth};
    const eb_neon_windows in_scratch = {collected, 1, count, 0, count};
    int32_t pixels = 0;
    for (int32_t x = 0; x < p->output_width; x += pixels) {
        const int32_t column = x * p->stride_width - p->pad_left;
        pixels = p->output_width - x >= 4 ? 4 : 1;
        const int32_t end = column + (pixels - 1) * p->stride_width + p->kernel_width;
        eb_neon_windows windows = in_scratch;
        if (reads_rows && column >= 0 && end <= p->input_width) {
            windows = in_rows;
            windows.offset = column * depth;
        } else {
            for (int32_t i = 0; i < pixels; ++i) {
                eb_neon_collect(p, rows, column + i * p->stride_width,
                                (int8_t *)scratch + i * count);
            }
        }
        (pixels == 4 ? four : one)(p, &windows, weights, scales, out, out_pixel_stride);
        out += pixels * out_pixel_stride;
    }
}

/* One output row.
 *
 * weights, scales: packed by edgebottle/ops/neon_kernels.py; scratch: the windows of four pixels,
 * each padded to a multiple of sixteen bytes; NULL where a window is one pixel of such a multiple,
 * without padding.
 */
EB_KERNEL void eb_conv_2d_s8_neon_row(const eb_conv_2d *p,
                                      const void *const *rows,
                                      int8_t *out,
                                      int32_t out_pixel_stride,
                                      const int8_t *weights,
                                      const int32_t *scales,
                                      void *scratch)
{
    eb_neon_row(p, rows, out, out_pixel_stride, weights, scales, scratch, eb_neon_four_pixels,
                eb_neon_one_pixel);
}

/* The same, with SDOT where the core has it. */
EB_KERNEL void eb_conv_2d_s8_neon_any_row(const eb_conv_2d *p,
                                          const void *const *rows,
                                          int8_t *out,
                                          int32_t out_pixel_stride,
                                          const int8_t *weights,
                                          const int32_t *scales,
                                          void *scratch)
{
    if (eb_has_sdot()) {
        eb_neon_row(p, rows, out, out_pixel_stride, weights, scales, scratch,
                    eb_neon_four_pixels_sdot, eb_neon_one_pixel_sdot);
    } else {
        eb_conv_2d_s8_neon_row(p, rows, out, out_pixel_stride, weights, scales, scratch);
    }
}

#endif /* EB_CONV_2D_S8_NEON_H */
