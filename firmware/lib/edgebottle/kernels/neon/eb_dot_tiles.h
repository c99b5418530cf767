/* Pixels times output channels of int8 with SDOT by element: see eb_neon.h.
 *
 * Channels lie in the lanes of a vector of weights, with four taps of each side by side; the four
 * values of a pixel they are multiplied with are one lane of sixteen. So no lane is ever added to
 * another one. edgebottle/ops/dot_packing.py packs weights and scales.
 */
#ifndef EB_DOT_TILES_H
#define EB_DOT_TILES_H

#include <string.h>

#include "../../include/eb_rows.h"
#include "eb_dot_vectors.h"

/* The values of some windows: of each row `parts` runs of `run` bytes, a multiple of four, `apart`
 * bytes from one to the next. Those of pixel i begin offset + i * step bytes behind the row. */
typedef struct {
    const int8_t *const *rows; /* NULL: they are row_bytes apart from `first` on */
    const int8_t *first;
    int32_t row_bytes;
    int32_t row_count;
    int32_t parts;
    int32_t apart;
    int32_t run;
    int32_t offset;
    int32_t step;
} eb_dot_windows;

/* What becomes of sums. channels: that are left. */
typedef struct {
    const int32_t *scales;
    int8_t *out;
    int32_t out_stride;
    int32_t channels;
    eb_output_s8 output;
} eb_dot_outputs;

/* All functions below: pixels (1 .. 4) and quads of channels (1, 2 or 4) are constants; once, too:
 * sums are scaled with eb_neon_scale_once, else with eb_neon_scale_down. */

/* Four taps. four: the number of their values among sixteen, a constant. */
EB_INLINED const int8_t *eb_dot_taps(int32_t pixels,
                                     int32_t quads,
                                     int32_t four,
                                     const eb_neon_fours values[4],
                                     const int8_t *weights,
                                     eb_neon_sums sums[4][4])
{
    EB_UNROLLED
    for (int32_t q = 0; q < quads; ++q) {
        const eb_neon_fours weight = eb_neon_fours_load(weights + 16 * q);
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            sums[i][q] = eb_neon_dot_four(sums[i][q], weight, values[i], four);
        }
    }
    return weights + 16 * quads;
}

/* One run of each pixel; returns the weights of the next one. */
EB_INLINED const int8_t *eb_dot_run_sums(int32_t pixels,
                                         int32_t quads,
                                         const int8_t *first,
                                         int32_t step,
                                         int32_t run,
                                         const int8_t *weights,
                                         eb_neon_sums sums[4][4])
{
    const int8_t *from[4];
    eb_neon_fours values[4];
    const int8_t *const sixteens = weights + run / 16 * 64 * quads;
    const int8_t *const end = weights + run / 4 * 16 * quads;
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        from[i] = first + i * step;
    }
    EB_ROLLED
    while (weights != sixteens) {
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            values[i] = eb_neon_fours_load(from[i]);
            from[i] = eb_place(from[i] + 16);
        }
        weights = eb_dot_taps(pixels, quads, 0, values, weights, sums);
        weights = eb_dot_taps(pixels, quads, 1, values, weights, sums);
        weights = eb_dot_taps(pixels, quads, 2, values, weights, sums);
        weights = eb_dot_taps(pixels, quads, 3, values, weights, sums);
    }
    EB_ROLLED
    while (weights != end) {
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            values[i] = eb_neon_fours_load_4(from[i]);
            from[i] = eb_place(from[i] + 4);
        }
        weights = eb_dot_taps(pixels, quads, 0, values, weights, sums);
    }
    return weights;
}

/* Sums begin with the biases. */
EB_INLINED void
eb_dot_begin(int32_t pixels, int32_t quads, const int32_t *scales, eb_neon_sums sums[4][4])
{
    EB_UNROLLED
    for (int32_t q = 0; q < quads; ++q) {
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            sums[i][q] = eb_neon_load(scales + q * EB_NEON_SCALES);
        }
    }
}

/* The sums of `quads` of channels, with their biases; returns the weights of the next ones. */
EB_INLINED const int8_t *eb_dot_sums(int32_t pixels,
                                     int32_t quads,
                                     const eb_dot_windows *windows,
                                     const int8_t *weights,
                                     const int32_t *scales,
                                     eb_neon_sums sums[4][4])
{
    eb_dot_begin(pixels, quads, scales, sums);
    int32_t r = 0;
    EB_ROLLED
    do {
        const int8_t *row =
            windows->rows != NULL ? windows->rows[r] : windows->first + r * windows->row_bytes;
        const int8_t *from = row + windows->offset;
        int32_t part = windows->parts;
        EB_ROLLED
        do {
            weights =
                eb_dot_run_sums(pixels, quads, from, windows->step, windows->run, weights, sums);
            from += windows->apart;
        } while (--part != 0);
    } while (++r != windows->row_count);
    return weights;
}

/* The channels that are left, sixteen bytes from a pixel to the next. */
EB_KERNEL void eb_dot_copy(int32_t pixels, const eb_dot_outputs *to, const int8_t *from)
{
    for (int32_t i = 0; i < pixels; ++i) {
        memcpy(to->out + i * to->out_stride, from + 16 * i, (size_t)to->channels);
    }
}

/* Sums become outputs; of the last quads some channels may be none. */
EB_INLINED void eb_dot_store(
    int32_t pixels, int32_t quads, int once, const eb_dot_outputs *to, eb_neon_sums sums[4][4])
{
    EB_UNROLLED
    for (int32_t q = 0; q < quads; ++q) {
        const int32_t *scales = to->scales + q * EB_NEON_SCALES;
        EB_UNROLLED
        for (int32_t i = 0; i < pixels; ++i) {
            sums[i][q] = once ? eb_neon_scale_once(sums[i][q], scales)
                              : eb_neon_scale_down(sums[i][q], scales);
        }
    }
    int8_t all[64];
    const int is_whole = to->channels >= 4 * quads;
    int8_t *const out = is_whole ? to->out : all;
    const int32_t stride = is_whole ? to->out_stride : 16;
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        if (quads == 4) {
            eb_neon_store_16(out + i * stride, sums[i], to->output);
        } else if (quads == 2) {
            eb_neon_store_8(out + i * stride, sums[i][0], sums[i][1], to->output);
        } else {
            eb_neon_store(out + i * stride, eb_neon_bounded(sums[i][0], to->output), 4);
        }
    }
    if (!is_whole) {
        eb_dot_copy(pixels, to, all);
    }
}

/* On to the next quads of channels. */
EB_INLINED void eb_dot_next(int32_t quads, eb_dot_outputs *to)
{
    to->scales += quads * EB_NEON_SCALES;
    to->out += 4 * quads;
    to->channels -= 4 * quads;
}

/* Some quads of channels, and on to the next ones. */
EB_INLINED const int8_t *eb_dot_quads(int32_t pixels,
                                      int32_t quads,
                                      int once,
                                      const eb_dot_windows *windows,
                                      const int8_t *weights,
                                      eb_dot_outputs *to)
{
    eb_neon_sums sums[4][4];
    weights = eb_dot_sums(pixels, quads, windows, weights, to->scales, sums);
    eb_dot_store(pixels, quads, once, to, sums);
    eb_dot_next(quads, to);
    return weights;
}

/* All channels: in fours of quads, then two, then one. */
EB_INLINED void eb_dot_pixels(int32_t pixels,
                              int once,
                              const eb_dot_windows *windows,
                              const int8_t *weights,
                              const eb_dot_outputs *outputs)
{
    const eb_dot_windows w = *windows; /* which no output can be part of */
    eb_dot_outputs to = *outputs;
    while (to.channels > 12) {
        weights = eb_dot_quads(pixels, 4, once, &w, weights, &to);
    }
    if (to.channels > 4) {
        weights = eb_dot_quads(pixels, 2, once, &w, weights, &to);
    }
    if (to.channels > 0) {
        eb_dot_quads(pixels, 1, once, &w, weights, &to);
    }
}

typedef void
eb_dot_tile(const eb_dot_windows *windows, const int8_t *weights, const eb_dot_outputs *outputs);

/* A tile of so many pixels. */
#define EB_DOT_TILE(NAME, PIXELS, ONCE)                                                            \
    EB_KERNEL void NAME(const eb_dot_windows *windows, const int8_t *weights,                      \
                        const eb_dot_outputs *outputs)                                             \
    {                                                                                              \
        eb_dot_pixels(PIXELS, ONCE, windows, weights, outputs);                                    \
    }

EB_DOT_TILE(eb_dot_one_pixel, 1, 0)
EB_DOT_TILE(eb_dot_two_pixels, 2, 0)
EB_DOT_TILE(eb_dot_three_pixels, 3, 0)
EB_DOT_TILE(eb_dot_four_pixels, 4, 0)
EB_DOT_TILE(eb_dot_one_pixel_once, 1, 1)
EB_DOT_TILE(eb_dot_two_pixels_once, 2, 1)
EB_DOT_TILE(eb_dot_three_pixels_once, 3, 1)
EB_DOT_TILE(eb_dot_four_pixels_once, 4, 1)

/* `pixels` side by side. once: 0 or 1. */
EB_KERNEL void eb_dot_tiles(int32_t pixels,
                            int once,
                            const eb_dot_windows *windows,
                            const int8_t *weights,
                            const eb_dot_outputs *outputs)
{
    static eb_dot_tile *const tiles[2][5] = {
        {NULL, eb_dot_one_pixel, eb_dot_two_pixels, eb_dot_three_pixels, eb_dot_four_pixels},
        {NULL, eb_dot_one_pixel_once, eb_dot_two_pixels_once, eb_dot_three_pixels_once,
         eb_dot_four_pixels_once}};
    eb_dot_windows w = *windows;
    eb_dot_outputs to = *outputs;
    while (pixels > 0) {
        const int32_t count = pixels < 4 ? pixels : 4;
        tiles[once][count](&w, weights, &to);
        w.offset += count * w.step;
        to.out += count * to.out_stride;
        pixels -= count;
    }
}

#endif /* EB_DOT_TILES_H */
