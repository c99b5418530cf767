/* Any function of one 8-bit value, by a table of its 256 results. Portable C. */
#ifndef EB_KERNELS_PORTABLE_TABLE_S8_H
#define EB_KERNELS_PORTABLE_TABLE_S8_H

#include <stdint.h>

/* One row. out may be row where out_pixel_stride == channels.
 *
 * row, out: int8_t or uint8_t. table: 256 entries, indexed by the bits of the input as uint8_t.
 */
static inline void eb_table_s8_row(int32_t pixels,
                                   int32_t channels,
                                   const void *row,
                                   void *out,
                                   int32_t out_pixel_stride,
                                   const int8_t *table)
{
    const uint8_t *in = (const uint8_t *)row;
    int8_t *to = (int8_t *)out;
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            to[c] = table[in[c]];
        }
        in += channels;
        to += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_TABLE_S8_H */
