/* The way of eb_few.h that sums up as int32, with SDOT. */
#ifndef EB_FEW_DOTS_H
#define EB_FEW_DOTS_H

#include "eb_dot_tiles.h"

EB_INLINED void eb_few_no_sums(int32_t pixels, int32_t quads, eb_neon_sums done[4][4])
{
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            done[i][q] = eb_neon_zero();
        }
    }
}

EB_INLINED const uint8_t *eb_few_dots(const eb_few_tile *t,
                                      int32_t pixels,
                                      int32_t quads,
                                      const uint8_t *weights,
                                      eb_neon_sums done[4][4])
{
    const int32_t *block = t->few->blocks;
    const int8_t *next = (const int8_t *)weights;
    eb_few_no_sums(pixels, quads, done);
    for (int32_t b = t->few->block_count; b > 0; --b) {
        for (int32_t left = *block++; left > 0; --left) {
            const int8_t *values = (const int8_t *)t->window + block[0];
            next = eb_dot_run_sums(pixels, quads, values, t->few->pixel, 4 * block[1], next, done);
            block += 2;
        }
    }
    return (const uint8_t *)next;
}

EB_FEW_FORMS(dots, 4)

/* With the weights of eb_few_halves, four taps of each pixel after the other. */
EB_INLINED const uint8_t *eb_few_sdots(const eb_few_tile *t,
                                       int32_t pixels,
                                       int32_t quads,
                                       const uint8_t *weights,
                                       eb_neon_sums done[4][4])
{
    const int32_t *block = t->few->blocks;
    eb_few_no_sums(pixels, quads, done);
    for (int32_t b = t->few->block_count; b > 0; --b) {
        for (int32_t left = *block++; left > 0; --left) {
            const uint8_t *values[4];
            eb_few_point(t, pixels, block[0], values);
            for (const uint8_t *end = weights + 16 * quads * block[1]; weights != end;) {
                eb_neon_bytes taps[4];
                eb_few_next(pixels, values, taps);
                EB_UNROLLED
                for (int32_t q = 0; q < quads; ++q) {
                    const eb_neon_bytes weight = eb_bytes_load(weights);
                    weights += 16;
                    EB_UNROLLED
                    for (int32_t i = 0; i < pixels; ++i) {
                        done[i][q] = eb_sums_multiply_fours_sdot(done[i][q], taps[i], weight);
                    }
                }
            }
            block += 2;
        }
    }
    return weights;
}

EB_FEW_FORMS(sdots, 2)

/* Those where the core has SDOT, else the halves. */
#define EB_FEW_ANY(FORM)                                                                           \
    EB_KERNEL void eb_few_any_##FORM(const eb_few_tile *t)                                         \
    {                                                                                              \
        if (eb_has_sdot()) {                                                                       \
            eb_few_sdots_##FORM(t);                                                                \
        } else {                                                                                   \
            eb_few_halves_##FORM(t);                                                               \
        }                                                                                          \
    }

EB_FEW_ANY(4)
EB_FEW_ANY(1)
EB_FEW_ANY(sums)

#endif /* EB_FEW_DOTS_H */
