/* eb_few_vectors.h in plain C. */
#ifndef EB_FEW_VECTORS_TWIN_H
#define EB_FEW_VECTORS_TWIN_H

typedef struct {
    uint8_t lane[16];
} eb_neon_bytes;

typedef struct {
    int16_t lane[8];
} eb_neon_halves;

static inline eb_neon_bytes eb_bytes_zero(void)
{
    const eb_neon_bytes zero = {{0}};
    return zero;
}

static inline eb_neon_bytes eb_bytes_load(const uint8_t *from)
{
    eb_neon_bytes bytes;
    memcpy(bytes.lane, from, 16);
    return bytes;
}

static inline void eb_bytes_store(uint8_t *to, eb_neon_bytes bytes)
{
    memcpy(to, bytes.lane, 16);
}

static inline eb_neon_bytes eb_bytes_repeat_4(const uint8_t *from)
{
    eb_neon_bytes bytes;
    for (int i = 0; i < 16; ++i) {
        bytes.lane[i] = from[i % 4];
    }
    return bytes;
}

static inline eb_neon_bytes eb_bytes_repeat_2(const uint8_t *from)
{
    eb_neon_bytes bytes;
    for (int i = 0; i < 16; ++i) {
        bytes.lane[i] = from[i % 2];
    }
    return bytes;
}

static inline eb_neon_bytes eb_bytes_add(eb_neon_bytes a, eb_neon_bytes b)
{
    for (int i = 0; i < 16; ++i) {
        a.lane[i] = (uint8_t)(a.lane[i] + b.lane[i]);
    }
    return a;
}

static inline eb_neon_bytes eb_bytes_subtract(eb_neon_bytes a, eb_neon_bytes b)
{
    for (int i = 0; i < 16; ++i) {
        a.lane[i] = (uint8_t)(a.lane[i] - b.lane[i]);
    }
    return a;
}

static inline eb_neon_bytes
eb_bytes_multiply_add(eb_neon_bytes sums, eb_neon_bytes a, eb_neon_bytes b)
{
    for (int i = 0; i < 16; ++i) {
        sums.lane[i] = (uint8_t)(sums.lane[i] + a.lane[i] * b.lane[i]);
    }
    return sums;
}

static inline eb_neon_bytes eb_bytes_count(eb_neon_bytes a, eb_neon_bytes b)
{
    for (int i = 0; i < 16; ++i) {
        uint32_t both = (uint32_t)a.lane[i] & b.lane[i];
        uint8_t count = 0;
        for (; both != 0; both &= both - 1u) {
            ++count;
        }
        a.lane[i] = count;
    }
    return a;
}

static inline eb_neon_halves eb_halves_zero(void)
{
    const eb_neon_halves zero = {{0}};
    return zero;
}

static inline eb_neon_halves eb_halves_add_pairs(eb_neon_halves halves, eb_neon_bytes bytes)
{
    for (int i = 0; i < 8; ++i) {
        halves.lane[i] = (int16_t)(halves.lane[i] + bytes.lane[2 * i] + bytes.lane[2 * i + 1]);
    }
    return halves;
}

static inline eb_neon_halves eb_halves_twice_pairs(eb_neon_bytes bytes)
{
    eb_neon_halves halves;
    for (int i = 0; i < 8; ++i) {
        const int32_t sum = (int8_t)bytes.lane[2 * i] + (int8_t)bytes.lane[2 * i + 1];
        halves.lane[i] = (int16_t)(2 * sum);
    }
    return halves;
}

static inline eb_neon_halves eb_halves_four_pairs(eb_neon_bytes bytes)
{
    eb_neon_halves halves;
    for (int i = 0; i < 8; ++i) {
        halves.lane[i] = (int16_t)(4 * (bytes.lane[2 * i] + bytes.lane[2 * i + 1]));
    }
    return halves;
}

static inline eb_neon_halves eb_halves_add(eb_neon_halves a, eb_neon_halves b)
{
    for (int i = 0; i < 8; ++i) {
        a.lane[i] = (int16_t)(a.lane[i] + b.lane[i]);
    }
    return a;
}

static inline eb_neon_halves eb_halves_subtract(eb_neon_halves a, eb_neon_halves b)
{
    for (int i = 0; i < 8; ++i) {
        a.lane[i] = (int16_t)(a.lane[i] - b.lane[i]);
    }
    return a;
}

/* halves plus the products of eight int8 from `first` on. */
static inline eb_neon_halves
eb_halves_multiply(eb_neon_halves halves, eb_neon_bytes a, eb_neon_bytes b, int first)
{
    for (int i = 0; i < 8; ++i) {
        const int32_t product = (int8_t)a.lane[first + i] * (int8_t)b.lane[first + i];
        halves.lane[i] = (int16_t)(halves.lane[i] + product);
    }
    return halves;
}

static inline eb_neon_halves
eb_halves_multiply_low(eb_neon_halves halves, eb_neon_bytes a, eb_neon_bytes b)
{
    return eb_halves_multiply(halves, a, b, 0);
}

static inline eb_neon_halves
eb_halves_multiply_high(eb_neon_halves halves, eb_neon_bytes a, eb_neon_bytes b)
{
    return eb_halves_multiply(halves, a, b, 8);
}

static inline eb_neon_sums eb_sums_add_pairs(eb_neon_sums sums, eb_neon_halves halves)
{
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = eb_add_wrap(sums.lane[i], halves.lane[2 * i] + halves.lane[2 * i + 1]);
    }
    return sums;
}

static inline eb_neon_sums eb_sums_add_low(eb_neon_sums sums, eb_neon_halves halves)
{
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = eb_add_wrap(sums.lane[i], halves.lane[i]);
    }
    return sums;
}

static inline eb_neon_sums eb_sums_add_high(eb_neon_sums sums, eb_neon_halves halves)
{
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = eb_add_wrap(sums.lane[i], halves.lane[4 + i]);
    }
    return sums;
}

static inline eb_neon_sums eb_sums_of_pairs(eb_neon_halves halves)
{
    eb_neon_sums sums;
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = (uint16_t)halves.lane[2 * i] + (uint16_t)halves.lane[2 * i + 1];
    }
    return sums;
}

static inline eb_neon_sums eb_sums_join_pairs(eb_neon_sums a, eb_neon_sums b)
{
    const eb_neon_sums joined = {
        {eb_add_wrap(a.lane[0], a.lane[1]), eb_add_wrap(a.lane[2], a.lane[3]),
         eb_add_wrap(b.lane[0], b.lane[1]), eb_add_wrap(b.lane[2], b.lane[3])}};
    return joined;
}

static inline eb_neon_sums eb_sums_low(eb_neon_halves halves)
{
    eb_neon_sums sums;
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = halves.lane[i];
    }
    return sums;
}

static inline eb_neon_sums eb_sums_high(eb_neon_halves halves)
{
    eb_neon_sums sums;
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = halves.lane[4 + i];
    }
    return sums;
}

static inline eb_neon_sums eb_sums_scale(int32_t base, int32_t step, eb_neon_sums sums)
{
    for (int i = 0; i < 4; ++i) {
        const uint32_t scaled = (uint32_t)step * (uint32_t)sums.lane[i];
        sums.lane[i] = (int32_t)((uint32_t)base + scaled);
    }
    return sums;
}

static inline eb_neon_sums
eb_sums_multiply_fours_sdot(eb_neon_sums sums, eb_neon_bytes values, eb_neon_bytes weights)
{
    for (int i = 0; i < 16; ++i) {
        const int32_t product = (int8_t)values.lane[i] * (int8_t)weights.lane[i];
        sums.lane[i / 4] = eb_add_wrap(sums.lane[i / 4], product);
    }
    return sums;
}

#endif /* EB_FEW_VECTORS_TWIN_H */
