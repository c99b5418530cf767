/* 2-D convolution with weights of 1 or 2 bits, by tables: see eb_conv_2d.h, eb_tables_s8.h. No
 * groups.
 */
#ifndef EB_CONV_2D_TABLES_H
#define EB_CONV_2D_TABLES_H

#include "eb_tables_s8.h"

/* A layer; edgebottle/ops/code_tables.py says what fits together. */
typedef struct eb_conv_2d_tables eb_conv_2d_tables;
struct eb_conv_2d_tables {
    eb_conv_2d conv; /* its input_zero_point is not used */
    uint32_t (*make)(const uint32_t *values, int32_t count, uint32_t *to);
    void (*sum)(eb_table_part *run);
    void (*finish)(const eb_conv_2d_tables *p,
                   const uint32_t *sums,
                   const int32_t *records,
                   int32_t pixels,
                   int8_t *out,
                   int32_t out_pixel_stride);
    int32_t bits;        /* of a value of the input: 1, 2, 4 or 8 */
    int32_t outside;     /* a byte of zero points */
    int32_t values;      /* words of a window, those of zeros at its end included */
    int32_t codes;       /* of a window and channel */
    int32_t code_taps;   /* weights of a code */
    int32_t table_words; /* of the tables of a run */
    int32_t run_words;   /* >= 1: words of a channel after which fields are emptied */
    uint32_t middle;     /* what `make` subtracts from values, in each field */
    int32_t centre;      /* what is subtracted from codes of weights */
    uint32_t start;      /* in each field: no sum of a run is below minus that */
    int32_t lowest;      /* weight = lowest + step * (code - centre) */
    int32_t step;
    int32_t added;     /* to each sum, for what fields start with */
    int32_t has_pivot; /* see eb_scale_s8.h */
    int32_t levels;    /* 0 .. 3: of the outputs above the lowest, where they are few */
};

/* Pixels whose values lie in one word. */
static inline int32_t eb_table_pixels(int32_t bits)
{
    return bits <= 2 ? 4 : 2;
}

/* Lays the bytes of several pixels side by side; returns where the next ones go. */
EB_KERNEL uint32_t *
eb_table_interleave(const uint8_t *const *from, int32_t bits, uint32_t *to, int32_t count)
{
    const uint8_t *p0 = from[0];
    const uint8_t *p1 = from[1];
    if (bits <= 2) {
        const uint8_t *p2 = from[2];
        const uint8_t *p3 = from[3];
        for (int32_t i = 0; i < count; ++i) {
            *to++ = (uint32_t)p0[i] | (uint32_t)p1[i] << 8 | (uint32_t)p2[i] << 16 |
                    (uint32_t)p3[i] << 24;
        }
        return to;
    }
    /* int8 + 128. */
    const uint32_t sign = bits == 8 ? 0x00800080u : 0u;
    for (int32_t i = 0; i < count; ++i) {
        *to++ = ((uint32_t)p0[i] | (uint32_t)p1[i] << 16) ^ sign;
    }
    return to;
}

/* Lays out the windows whose first taps are in the columns `at`; outside: a pixel of zero points.
 */
EB_KERNEL void eb_conv_2d_tables_gather(const eb_conv_2d_tables *p,
                                        const void *const *rows,
                                        const int32_t *at,
                                        uint32_t *to,
                                        const uint8_t *outside)
{
    const eb_conv_2d *c = &p->conv;
    const int32_t pixel = (c->input_channels * p->bits + 7) / 8;
    const int32_t count = eb_table_pixels(p->bits);
    const int is_whole =
        c->dilation_width == 1 && at[0] >= 0 && at[count - 1] + c->kernel_width <= c->input_width;
    for (int32_t ky = 0; ky < c->kernel_height; ++ky) {
        const uint8_t *row = (const uint8_t *)rows[ky];
        const int32_t taps = is_whole && row != NULL ? 1 : c->kernel_width;
        const int32_t bytes = taps == 1 ? c->kernel_width * pixel : pixel;
        for (int32_t tap = 0; tap < taps; ++tap) {
            const uint8_t *from[4];
            for (int32_t k = 0; k < count; ++k) {
                const int32_t x = at[k] + tap * c->dilation_width;
                from[k] = row != NULL && x >= 0 && x < c->input_width ? row + x * pixel : outside;
            }
            to = eb_table_interleave(from, p->bits, to, bytes);
        }
    }
}

/* What the fields of two words hold: `step` times that, and `base`. */
static inline void
eb_table_fields(const uint32_t *words, int32_t bits, int32_t step, const int32_t *base, int32_t *to)
{
    if (bits <= 2) {
        to[0] = (int32_t)(words[0] & 0xffffu) * step + base[0];
        to[1] = (int32_t)(words[1] & 0xffffu) * step + base[1];
        to[2] = (int32_t)(words[0] >> 16) * step + base[2];
        to[3] = (int32_t)(words[1] >> 16) * step + base[3];
    } else {
        to[0] = (int32_t)words[0] * step + base[0];
        to[1] = (int32_t)words[1] * step + base[1];
    }
}

/* The outputs of `pixels` pixels, from the sums of their values and then of each channel. */
EB_KERNEL void eb_conv_2d_tables_scaled(const eb_conv_2d_tables *p,
                                        const uint32_t *sums,
                                        const int32_t *scales,
                                        int32_t pixels,
                                        int8_t *out,
                                        int32_t out_pixel_stride)
{
    const int8_t *end = out + p->conv.output_channels;
    int32_t base[4] = {p->added, p->added, p->added, p->added};
    int32_t sum[4];
    eb_table_fields(sums, p->bits, p->lowest, base, base);
    for (; out != end; ++out) {
        sums += 2;
        eb_table_fields(sums, p->bits, p->step, base, sum);
        eb_scale_s8_inlined(scales, p->has_pivot, sum, pixels, out, out_pixel_stride);
        scales += EB_SCALE_WORDS(p->has_pivot);
    }
}

/* The same where outputs take at most four values, and sums lie within 15 bits, two in a word.
 *
 * records: `levels` words for each channel: each brings sums that reach the level to 2^15, in both
 * halves.
 */
EB_KERNEL void eb_conv_2d_tables_steps(const eb_conv_2d_tables *p,
                                       const uint32_t *sums,
                                       const int32_t *records,
                                       int32_t pixels,
                                       int8_t *out,
                                       int32_t out_pixel_stride)
{
    const int8_t *end = out + p->conv.output_channels;
    const uint32_t lowest = (uint32_t)p->lowest;
    const uint32_t step = (uint32_t)p->step;
    const uint32_t low = (uint32_t)(uint8_t)p->conv.low * 0x00010001u;
    const uint32_t added = (uint32_t)p->added * 0x00010001u;
    const uint32_t base0 = sums[0] * lowest + added;
    const uint32_t base1 = sums[1] * lowest + added;
    for (; out != end; ++out) {
        sums += 2;
        const uint32_t sum0 = sums[0] * step + base0;
        const uint32_t sum1 = sums[1] * step + base1;
        uint32_t values0 = low;
        uint32_t values1 = low;
        for (const int32_t *last = records + p->levels; records != last; ++records) {
            values0 += (sum0 + (uint32_t)*records) >> 15 & 0x00010001u;
            values1 += (sum1 + (uint32_t)*records) >> 15 & 0x00010001u;
        }
        int8_t *to = out;
        *to = (int8_t)(uint8_t)values0;
        if (pixels > 1) {
            to += out_pixel_stride;
            *to = (int8_t)(uint8_t)values1;
        }
        if (pixels > 2) {
            to += out_pixel_stride;
            *to = (int8_t)(uint8_t)(values0 >> 16);
        }
        if (pixels > 3) {
            to += out_pixel_stride;
            *to = (int8_t)(uint8_t)(values1 >> 16);
        }
    }
}

/* The same where two pixels have sums of 32 bits.
 *
 * records: `levels` words for each channel: the greatest sum below each level.
 */
EB_KERNEL void eb_conv_2d_tables_wide_steps(const eb_conv_2d_tables *p,
                                            const uint32_t *sums,
                                            const int32_t *records,
                                            int32_t pixels,
                                            int8_t *out,
                                            int32_t out_pixel_stride)
{
    const int8_t *end = out + p->conv.output_channels;
    const uint32_t step = (uint32_t)p->step;
    const uint32_t base0 = sums[0] * (uint32_t)p->lowest + (uint32_t)p->added;
    const uint32_t base1 = sums[1] * (uint32_t)p->lowest + (uint32_t)p->added;
    for (; out != end; ++out) {
        sums += 2;
        const uint32_t sum0 = sums[0] * step + base0;
        const uint32_t sum1 = sums[1] * step + base1;
        uint32_t value0 = (uint32_t)p->conv.low;
        uint32_t value1 = value0;
        for (const int32_t *last = records + p->levels; records != last; ++records) {
            value0 += ((uint32_t)*records - sum0) >> 31;
            value1 += ((uint32_t)*records - sum1) >> 31;
        }
        out[0] = (int8_t)(uint8_t)value0;
        if (pixels > 1) {
            out[out_pixel_stride] = (int8_t)(uint8_t)value1;
        }
    }
}

/* Sums of the windows in `values`, and of each channel, from tables in the scratch behind them. */
EB_KERNEL void eb_conv_2d_tables_sums(const eb_conv_2d_tables *p,
                                      const uint32_t *weights,
                                      const uint32_t *values,
                                      uint32_t *tables,
                                      uint32_t *sums)
{
    const int32_t channels =
        (p->conv.output_channels + EB_TABLE_CHANNELS - 1) & ~(EB_TABLE_CHANNELS - 1);
    const int32_t shift = p->bits <= 2 ? 8 : 16;
    const uint32_t mask = p->bits <= 2 ? 0x00ff00ffu : 0x0000ffffu;
    eb_table_part run = {tables, weights, NULL, sums + 2 + 2 * channels, 0, 0, mask, shift, 0};
    int32_t words = (p->codes + EB_TABLE_CODES - 1) / EB_TABLE_CODES;
    run.skip = EB_TABLE_CODES * words - p->codes;
    memset(sums, 0, (size_t)(2 + 2 * channels) * sizeof *sums);
    for (; words > 0; words -= run.words) {
        run.words = eb_min(words, p->run_words);
        const int32_t codes = EB_TABLE_CODES * run.words - run.skip;
        const int32_t taps = codes * p->code_taps;
        const uint32_t total = p->make(values, codes, tables);
        values += taps * p->bits / 8;
        /* The products of what is subtracted from codes, for all channels at once. */
        run.start = p->start - (uint32_t)p->centre * (total - (uint32_t)taps * p->middle);
        sums[0] += total & mask;
        sums[1] += total >> shift & mask;
        run.sums = sums + 2;
        p->sum(&run);
        run.weights += channels * run.words;
        run.skip = 0;
    }
}

/* One output row.
 *
 * weights: runs x fours of channels x words x 4, rows of zeros up to fours of channels; records: of
 * p->finish; scratch: what edgebottle/ops/code_tables.py says.
 */
EB_KERNEL void eb_conv_2d_tables_row(const eb_conv_2d_tables *p,
                                     const void *const *rows,
                                     int8_t *out,
                                     int32_t out_pixel_stride,
                                     const uint32_t *weights,
                                     const int32_t *records,
                                     void *scratch)
{
    const int32_t count = eb_table_pixels(p->bits);
    const int32_t pixel_bits = p->conv.input_channels * p->bits;
    const int32_t pixel = (pixel_bits + 7) / 8;
    uint32_t *values = (uint32_t *)scratch;
    uint32_t *tables = values + p->values;
    uint32_t *sums = tables + p->table_words;
    uint8_t *outside = (uint8_t *)(sums + 2 + 2 * ((p->conv.output_channels + 3) & ~3));
    memset(values, 0, (size_t)p->values * sizeof *values);
    memset(outside, p->outside, (size_t)pixel);
    outside[pixel - 1] = (uint8_t)(outside[pixel - 1] & (0xffu >> (8 * pixel - pixel_bits)));
    for (int32_t x = 0; x < p->conv.output_width; x += count) {
        const int32_t pixels = eb_min(count, p->conv.output_width - x);
        int32_t at[4];
        for (int32_t k = 0; k < count; ++k) {
            /* Pixels beyond the last are computed as that one, and not written. */
            at[k] = (x + eb_min(k, pixels - 1)) * p->conv.stride_width - p->conv.pad_left;
        }
        eb_conv_2d_tables_gather(p, rows, at, values, outside);
        eb_conv_2d_tables_sums(p, weights, values, tables, sums);
        p->finish(p, sums, records, pixels, out, out_pixel_stride);
        out += count * out_pixel_stride;
    }
}

#endif /* EB_CONV_2D_TABLES_H */
