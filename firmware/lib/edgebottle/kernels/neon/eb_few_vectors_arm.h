/* eb_few_vectors.h with NEON. */
#ifndef EB_FEW_VECTORS_ARM_H
#define EB_FEW_VECTORS_ARM_H

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
    uint8x16_t bytes;
    memcpy(&word, from, 4);
    bytes = vreinterpretq_u8_u32(vdupq_n_u32(word));
    /* Hidden from the compiler: where it knows that both halves are the same, it multiplies by the
     * first alone, and moves the upper half of what that is multiplied with. */
    __asm__("" : "+w"(bytes));
    return bytes;
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

/* sums plus the first four halves. */
static inline eb_neon_sums eb_sums_add_low(eb_neon_sums sums, eb_neon_halves halves)
{
    return vaddw_s16(sums, vget_low_s16(halves));
}

/* The same of the last four. */
static inline eb_neon_sums eb_sums_add_high(eb_neon_sums sums, eb_neon_halves halves)
{
    return vaddw_s16(sums, vget_high_s16(halves));
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

/* sums plus the products of sixteen int8, four of them to each, with SDOT, which the core has. */
static inline eb_neon_sums
eb_sums_multiply_fours_sdot(eb_neon_sums sums, eb_neon_bytes values, eb_neon_bytes weights)
{
    return eb_neon_sdot(sums, vreinterpretq_s8_u8(weights), vreinterpretq_s8_u8(values));
}

#endif /* EB_FEW_VECTORS_ARM_H */
