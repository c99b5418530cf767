/* The way of eb_few.h that sums up as int32, with SDOT. */
#ifndef EB_FEW_DOTS_H
#define EB_FEW_DOTS_H

/* has_sdot: the core has it, a constant; 0: see eb_sums_multiply_fours. */
EB_INLINED const uint8_t *eb_few_dot_sums(const eb_few_tile *t,
                                          int32_t pixels,
                                          int32_t quads,
                                          int has_sdot,
                                          const uint8_t *weights,
                                          eb_neon_sums done[4][4])
{
    const int32_t *block = t->few->blocks;
    EB_UNROLLED
    for (int32_t i = 0; i < pixels; ++i) {
        EB_UNROLLED
        for (int32_t q = 0; q < quads; ++q) {
            done[i][q] = eb_neon_zero();
        }
    }
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
                        done[i][q] = has_sdot
                                         ? eb_sums_multiply_fours_sdot(done[i][q], taps[i], weight)
                                         : eb_sums_multiply_fours(done[i][q], taps[i], weight);
                    }
                }
            }
            block += 2;
        }
    }
    return weights;
}

EB_INLINED const uint8_t *eb_few_dots(const eb_few_tile *t,
                                      int32_t pixels,
                                      int32_t quads,
                                      const uint8_t *weights,
                                      eb_neon_sums done[4][4])
{
    return eb_few_dot_sums(t, pixels, quads, 0, weights, done);
}

EB_FEW_FORMS(dots, 4)

/* With the weights of eb_few_halves. */
EB_INLINED const uint8_t *eb_few_sdots(const eb_few_tile *t,
                                       int32_t pixels,
                                       int32_t quads,
                                       const uint8_t *weights,
                                       eb_neon_sums done[4][4])
{
    return eb_few_dot_sums(t, pixels, quads, 1, weights, done);
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
