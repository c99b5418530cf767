/* Pointers to the input rows of one output row, of tensors that are held whole or in rings. */
#ifndef EB_ROWS_H
#define EB_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* One copy for all layers: inlined, this would be most of the code of a step. */
#define EB_ROWS static __attribute__((noinline, unused))

/* Stands before a loop over rows: each turn is one kernel call, or little work beside one, and
 * unrolling it costs flash and saves nothing. */
#if defined(__clang__)
#define EB_ROLLED _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__)
#define EB_ROLLED _Pragma("GCC unroll 1")
#else
#define EB_ROLLED
#endif

/* Stands before a loop of few turns that is unrolled. */
#if defined(__clang__)
#define EB_UNROLLED _Pragma("clang loop unroll(full)")
#else
#define EB_UNROLLED _Pragma("GCC unroll 8")
#endif

/* A function of calls alone, whose own instructions are few beside those of what it calls: as small
 * as may be. GCC has no such attribute. */
#if defined(__clang__)
#define EB_SMALL __attribute__((minsize))
#else
#define EB_SMALL
#endif

/* The same address, hidden from the compiler: where all layers have their scratch at one place, it
 * would build that place into the kernels, whose inner loops then run out of registers. */
static inline void *eb_scratch(void *place)
{
    __asm__("" : "+r"(place));
    return place;
}

/* The same for what is only read: a compiler that knows how addresses lie to one another counts all
 * of them from the first one, where each load can move its own. */
static inline const void *eb_place(const void *place)
{
    __asm__("" : "+r"(place));
    return place;
}

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
    EB_ROLLED
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
    EB_ROLLED
    for (int32_t k = 0; k < count; ++k) {
        const int32_t row = listed[k];
        rows[k] = row >= 0 && row < height ? bytes + row * row_stride : NULL;
    }
}

/* The place of row `row` in a ring of `ring_rows` rows that begins at `base`. */
EB_ROWS void *eb_ring_row(void *base, int32_t row, int32_t row_stride, int32_t ring_rows)
{
    return (uint8_t *)base + (int32_t)((uint32_t)row % (uint32_t)ring_rows) * row_stride;
}

/* The most input rows of an output row that eb_walk can hold. */
#define EB_WALK_ROWS 16

/* The rows of a layer whose tensors are held whole: of all output rows, and of the input rows each
 * needs. Output row y reads the input rows slope * y + first + k * step, k = 0, 1, ... */
typedef struct {
    const void *input;
    void *output;
    int32_t input_stride;  /* bytes from one row to the next */
    int32_t output_stride; /* likewise */
    uint16_t input_rows;   /* all of the input */
    uint16_t output_rows;
    int16_t first;
    uint8_t slope;
    int8_t step;
} eb_walk;

/* Points rows[0..count-1] to what output row `y` needs, and returns where that row lies.
 * count: 1 .. EB_WALK_ROWS. */
EB_ROWS void *eb_walk_to(const eb_walk *walk, int32_t y, int32_t count, const void **rows)
{
    eb_rows(rows, walk->input, walk->slope * y + walk->first, count, walk->step, walk->input_rows,
            walk->input_stride);
    return (uint8_t *)walk->output + y * walk->output_stride;
}

/* eb_rows for a tensor in a ring: row r lives in its place r % ring_rows. `step` is at least 1. */
EB_ROWS void eb_ring_rows(const void **rows,
                          const void *base,
                          int32_t first,
                          int32_t count,
                          int32_t step,
                          int32_t height,
                          int32_t row_stride,
                          int32_t ring_rows)
{
    const uint8_t *bytes = (const uint8_t *)base;
    int32_t place = -1; /* not known before the first row inside of the image: one division */
    EB_ROLLED
    for (int32_t k = 0; k < count; ++k) {
        const int32_t row = first + k * step;
        rows[k] = NULL;
        if (row >= 0 && row < height) {
            place = place < 0 ? (int32_t)((uint32_t)row % (uint32_t)ring_rows) : place + step;
            while (place >= ring_rows) {
                place -= ring_rows;
            }
            rows[k] = bytes + place * row_stride;
        }
    }
}

/* eb_rows_listed for a tensor in a ring. */
EB_ROWS void eb_ring_rows_listed(const void **rows,
                                 const void *base,
                                 const int16_t *listed,
                                 int32_t count,
                                 int32_t height,
                                 int32_t row_stride,
                                 int32_t ring_rows)
{
    const uint8_t *bytes = (const uint8_t *)base;
    EB_ROLLED
    for (int32_t k = 0; k < count; ++k) {
        const int32_t row = listed[k];
        rows[k] = NULL;
        if (row >= 0 && row < height) {
            rows[k] = bytes + (int32_t)((uint32_t)row % (uint32_t)ring_rows) * row_stride;
        }
    }
}

#endif /* EB_ROWS_H */
