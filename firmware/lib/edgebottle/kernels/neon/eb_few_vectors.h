/* The vector instructions that kernels of few bits need beside those of eb_neon.h, and C twins.
 *
 * Bytes are sixteen, halves eight int16, sums four int32. What leaves a lane is dropped.
 */
#ifndef EB_FEW_VECTORS_H
#define EB_FEW_VECTORS_H

#include <stdint.h>
#include <string.h>

#include "../../include/eb_dsp.h"
#include "../../include/eb_neon.h"

#if EB_HAVE_NEON

typedef uint8x16_t eb_neon_bytes;
typedef int16x8_t eb_neon_halves;

static inline eb_neon_bytes eb_bytes_zero(void)
{
    return vdupq_n_u8(0);
}

static inline eb_neon_bytes eb_bytes_load(const uint8_t *from)
{
    return vld1q_u8(from);
}

static inline void eb_bytes_store(uint8_t *to, eb_neon_bytes bytes)
{
    vst1q_u8(to, bytes);
}

/* Four bytes, four times. */
static inline eb_neon_bytes eb_bytes_repeat_4(const uint8_t *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return vreinterpretq_u8_u32(vdupq_n_u32(word));
}

/* Two bytes, eight times. */
static inline eb_neon_bytes eb_bytes_repeat_2(const uint8_t *from)
{
    uint16_t word;
    memcpy(&word, from, 2);
    return vreinterpretq_u8_u16(vdupq_n_u16(word));
}

static inline eb_neon_bytes eb_bytes_add(eb_neon_bytes a, eb_neon_bytes b)
{
    return vaddq_u8(a, b);
}

static inline eb_neon_bytes eb_bytes_subtract(eb_neon_bytes a, eb_neon_bytes b)
{
    return vsubq_u8(a, b);
}

static inline eb_neon_bytes
eb_bytes_multiply_add(eb_neon_bytes sums, eb_neon_bytes a, eb_neon_bytes b)
{
    return vmlaq_u8(sums, a, b);
}

/* Of each byte the number of bits that both have set. */
static inline eb_neon_bytes eb_bytes_count(eb_neon_bytes a, eb_neon_bytes b)
{
    return vcntq_u8(vandq_u8(a, b));
}

static inline eb_neon_halves eb_halves_zero(void)
{
    return vdupq_n_s16(0);
}

/* halves plus the sum of each pair of bytes from 0 to 255. */
static inline eb_neon_halves eb_halves_add_pairs(eb_neon_halves halves, eb_neon_bytes bytes)
{
    return vreinterpretq_s16_u16(vpadalq_u8(vreinterpretq_u16_s16(halves), bytes));
}

/* The sum of each pair of int8, times two. */
static inline eb_neon_halves eb_halves_twice_pairs(eb_neon_bytes bytes)
{
    return vshlq_n_s16(vpaddlq_s8(vreinterpretq_s8_u8(bytes)), 1);
}

/* The sum of each pair of bytes from 0 to 63, times four. */
static inline eb_neon_halves eb_halves_four_pairs(eb_neon_bytes bytes)
{
    return vreinterpretq_s16_u16(vshlq_n_u16(vpaddlq_u8(bytes), 2));
}

static inline eb_neon_halves eb_halves_add(eb_neon_halves a, eb_neon_halves b)
{
    return vaddq_s16(a, b);
}

static inline eb_neon_halves eb_halves_subtract(eb_neon_halves a, eb_neon_halves b)
{
    return vsubq_s16(a, b);
}

/* halves plus the products of the first eight int8 of a and b. */
static inline eb_neon_halves
eb_halves_multiply_low(eb_neon_halves halves, eb_neon_bytes a, eb_neon_bytes b)
{
    return vmlal_s8(halves, vget_low_s8(vreinterpretq_s8_u8(a)),
                    vget_low_s8(vreinterpretq_s8_u8(b)));
}

/* The same of the last eight. */
static inline eb_neon_halves
eb_halves_multiply_high(eb_neon_halves halves, eb_neon_bytes a, eb_neon_bytes b)
{
#if defined(__aarch64__)
    return vmlal_high_s8(halves, vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b));
#else
    return vmlal_s8(halves, vget_high_s8(vreinterpretq_s8_u8(a)),
                    vget_high_s8(vreinterpretq_s8_u8(b)));
#endif
}

/* sums plus the sum of each pair of int16. */
static inline eb_neon_sums eb_sums_add_pairs(eb_neon_sums sums, eb_neon_halves halves)
{
    return vpadalq_s16(sums, halves);
}

/* The sum of each pair of uint16. */
static inline eb_neon_sums eb_sums_of_pairs(eb_neon_halves halves)
{
    return vreinterpretq_s32_u32(vpaddlq_u16(vreinterpretq_u16_s16(halves)));
}

/* The sum of each pair, first those of a, then those of b. */
static inline eb_neon_sums eb_sums_join_pairs(eb_neon_sums a, eb_neon_sums b)
{
#if defined(__aarch64__)
    return vpaddq_s32(a, b);
#else
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)),
                        vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
#endif
}

static inline eb_neon_sums eb_sums_low(eb_neon_halves halves)
{
    return vmovl_s16(vget_low_s16(halves));
}

static inline eb_neon_sums eb_sums_high(eb_neon_halves halves)
{
    return vmovl_s16(vget_high_s16(halves));
}

/* base + step * sums. */
static inline eb_neon_sums eb_sums_scale(int32_t base, int32_t step, eb_neon_sums sums)
{
    return vmlaq_s32(vdupq_n_s32(base), sums, vdupq_n_s32(step));
}

/* sums plus the products of sixteen int8, four of them to each. */
static inline eb_neon_sums
eb_sums_multiply_fours(eb_neon_sums sums, eb_neon_bytes values, eb_neon_bytes weights)
{
#if EB_HAVE_SDOT
    return vdotq_s32(sums, vreinterpretq_s8_u8(weights), vreinterpretq_s8_u8(values));
#else
    const eb_neon_halves low = eb_halves_multiply_low(eb_halves_zero(), values, weights);
    const eb_neon_halves high = eb_halves_multiply_high(eb_halves_zero(), values, weights);
    return vaddq_s32(sums, eb_sums_join_pairs(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}

#else

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
eb_sums_multiply_fours(eb_neon_sums sums, eb_neon_bytes values, eb_neon_bytes weights)
{
    for (int i = 0; i < 16; ++i) {
        const int32_t product = (int8_t)values.lane[i] * (int8_t)weights.lane[i];
        sums.lane[i / 4] = eb_add_wrap(sums.lane[i / 4], product);
    }
    return sums;
}

#endif

/* The sum of so many bytes. */
static inline int32_t eb_bytes_total(const uint8_t *from, int32_t count)
{
    int32_t total = 0;
#if defined(__aarch64__) && EB_HAVE_NEON
    for (; count >= 8; count -= 8) {
        total += vaddlv_u8(vld1_u8(from));
        from += 8;
    }
    if (count >= 4) {
        total += vaddlv_u8(vcreate_u8(eb_load_word(from)));
        from += 4;
        count -= 4;
    }
#endif
    for (; count > 0; --count) {
        total += *from++;
    }
    return total;
}

#endif /* EB_FEW_VECTORS_H */
