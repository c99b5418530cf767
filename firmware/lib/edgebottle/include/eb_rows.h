/* Pointers to the input rows of one output row. */
#ifndef EB_ROWS_H
#define EB_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* One copy for all layers: inlined, this would be most of the code of a step. */
#define EB_ROWS static __attribute__((noinline, unused))

/* Stands before a loop over output rows: each turn is one kernel call, and unrolling it costs flash
 * and saves nothing. */
#if defined(__clang__)
#define EB_ROLLED _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__)
#define EB_ROLLED _Pragma("GCC unroll 1")
#else
#define EB_ROLLED
#endif

/* Fills rows[0..count-1] with the rows first, first + step, ... of an image of `height` rows that
 * begins at `base`, `row_stride` bytes apart. A row outside of the image becomes NULL. */
EB_ROWS void eb_rows(const void **rows,
                     const void *base,
                     int32_t first,
                     int32_t count,
                     int32_t step,
                     int32_t height,
                     int32_t row_stride)
{
    const uint8_t *bytes = (const uint8_t *)base;
    for (int32_t k = 0; k < count; ++k) {
        const int32_t row = first + k * step;
        rows[k] = row >= 0 && row < height ? bytes + row * row_stride : NULL;
    }
}

/* The same for rows that are listed, as an upsampling needs. */
EB_ROWS void eb_rows_listed(const void **rows,
                            const void *base,
                            const int16_t *listed,
                            int32_t count,
                            int32_t height,
                            int32_t row_stride)
{
    const uint8_t *bytes = (const uint8_t *)base;
    for (int32_t k = 0; k < count; ++k) {
        const int32_t row = listed[k];
        rows[k] = row >= 0 && row < height ? bytes + row * row_stride : NULL;
    }
}

#endif /* EB_ROWS_H */
