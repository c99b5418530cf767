/* The vector instructions of Cortex-A (NEON) that the kernels in kernels/neon need, and C twins of
 * them for every other machine.
 *
 * EB_HAVE_NEON is 1 on a core that has them. -DEB_FORCE_PORTABLE takes the twins, which lets a host
 * test those kernels under its sanitizers. EB_HAVE_SDOT: the core has SDOT (Armv8.2-A) as well.
 * Kernels whose names have `any` in them ask for SDOT while they run: see eb_cpu.h.
 */
#ifndef EB_NEON_H
#define EB_NEON_H

#include <stdint.h>
#include <string.h>

#include "eb_cpu.h"
#include "eb_requant.h"

#if defined(__ARM_NEON) && !defined(EB_FORCE_PORTABLE)
#define EB_HAVE_NEON 1
#else
#define EB_HAVE_NEON 0
#endif

#if EB_HAVE_NEON && defined(__ARM_FEATURE_DOTPROD)
#define EB_HAVE_SDOT 1
#else
#define EB_HAVE_SDOT 0
#endif

/* Of four channels: bias, multiplier and shift, as edgebottle/ops/mve_packing.py packs them. */
#define EB_NEON_SCALES 12

#if EB_HAVE_NEON

#include <arm_neon.h>

typedef int32x4_t eb_neon_sums;

static inline eb_neon_sums eb_neon_zero(void)
{
    return vdupq_n_s32(0);
}

/* sums plus sixteen products, four of them to each. No two of b that are eight apart are both -128
 * without SDOT: of two such products the sum would not fit an int16. */
static inline eb_neon_sums eb_neon_dot(eb_neon_sums sums, const int8_t *a, const int8_t *b)
{
    const int8x16_t left = vld1q_s8(a);
    const int8x16_t right = vld1q_s8(b);
#if EB_HAVE_SDOT
    return vdotq_s32(sums, left, right);
#else
    int16x8_t products = vmull_s8(vget_low_s8(left), vget_low_s8(right));
    products = vmlal_s8(products, vget_high_s8(left), vget_high_s8(right));
    return vpadalq_s16(sums, products);
#endif
}

/* sums plus eight products, two of them to each. */
static inline eb_neon_sums eb_neon_dot_8(eb_neon_sums sums, const int8_t *a, const int8_t *b)
{
    return vpadalq_s16(sums, vmull_s8(vld1_s8(a), vld1_s8(b)));
}

/* eb_neon_dot with SDOT, which the core has although this is not compiled for such cores
 * alone; of 64 bits. */
static inline eb_neon_sums eb_neon_sdot(eb_neon_sums sums, int8x16_t a, int8x16_t b)
{
#if defined(__aarch64__) && !EB_HAVE_SDOT
    __asm__(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.16b" : "+w"(sums) : "w"(a), "w"(b));
    return sums;
#else
    return eb_neon_dot(sums, (const int8_t *)&a, (const int8_t *)&b);
#endif
}

/* Either; has_sdot: a constant. */
EB_INLINED eb_neon_sums eb_neon_dot_with(int has_sdot,
                                         eb_neon_sums sums,
                                         const int8_t *a,
                                         const int8_t *b)
{
    return has_sdot ? eb_neon_sdot(sums, vld1q_s8(a), vld1q_s8(b)) : eb_neon_dot(sums, a, b);
}

static inline eb_neon_sums eb_neon_load(const int32_t *from)
{
    return vld1q_s32(from);
}

static inline void eb_neon_put(int32_t *to, eb_neon_sums sums)
{
    vst1q_s32(to, sums);
}

static inline eb_neon_sums eb_neon_plus(eb_neon_sums a, eb_neon_sums b)
{
    return vaddq_s32(a, b);
}

static inline eb_neon_sums eb_neon_minus(eb_neon_sums a, eb_neon_sums b)
{
    return vsubq_s32(a, b);
}

/* Eight bytes less the zero point, 20 bits further up, or half of that. zero_point: -128 .. 127;
 * is_half: a constant. */
EB_INLINED void
eb_neon_widen_20(const int8_t *from, int32_t zero_point, int is_half, eb_neon_sums *to)
{
    const int16x8_t halves = vsubl_s8(vld1_s8(from), vdup_n_s8((int8_t)zero_point));
    const int32x4_t low = vmovl_s16(vget_low_s16(halves));
    const int32x4_t high = vmovl_s16(vget_high_s16(halves));
    to[0] = is_half ? vshlq_n_s32(low, 19) : vshlq_n_s32(low, 20);
    to[1] = is_half ? vshlq_n_s32(high, 19) : vshlq_n_s32(high, 20);
}

/* The total of each of four vectors. */
static inline eb_neon_sums
eb_neon_join(eb_neon_sums a, eb_neon_sums b, eb_neon_sums c, eb_neon_sums d)
{
#if defined(__aarch64__)
    return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
#else
    const int32x2_t first = vpadd_s32(vget_low_s32(a), vget_high_s32(a));
    const int32x2_t second = vpadd_s32(vget_low_s32(b), vget_high_s32(b));
    const int32x2_t third = vpadd_s32(vget_low_s32(c), vget_high_s32(c));
    const int32x2_t fourth = vpadd_s32(vget_low_s32(d), vget_high_s32(d));
    return vcombine_s32(vpadd_s32(first, second), vpadd_s32(third, fourth));
#endif
}

/* eb_requantize of four sums that hold their biases. */
static inline eb_neon_sums eb_neon_rescale(eb_neon_sums sums, const int32_t *scales)
{
    const int32x4_t shift = vld1q_s32(scales + 8);
    const int32x4_t value = vqrdmulhq_s32(sums, vld1q_s32(scales + 4));
    /* Half away from zero: of what is negative one less, where anything is shifted out; the product
     * is above the lowest int32. */
    return vrshlq_s32(vsraq_n_s32(value, vandq_s32(value, shift), 31), shift);
}

/* The same, their biases added. */
static inline eb_neon_sums eb_neon_scale(eb_neon_sums sums, const int32_t *scales)
{
    return eb_neon_rescale(vaddq_s32(sums, vld1q_s32(scales)), scales);
}

/* The same without them, where all shifts are to the right, and none is 0. */
static inline eb_neon_sums eb_neon_scale_down(eb_neon_sums sums, const int32_t *scales)
{
    const int32x4_t value = vqrdmulhq_s32(sums, vld1q_s32(scales + 4));
    return vrshlq_s32(vsraq_n_s32(value, value, 31), vld1q_s32(scales + 8));
}

/* Twice the product, and halves up: as fully connected layers scale, where
 * edgebottle/ops/packing.py found multipliers that do the same. */
static inline eb_neon_sums eb_neon_scale_once(eb_neon_sums sums, const int32_t *scales)
{
    return vrshlq_s32(vqdmulhq_s32(sums, vld1q_s32(scales + 4)), vld1q_s32(scales + 8));
}

/* Scaled sums plus the zero point, within the bounds. */
static inline eb_neon_sums eb_neon_bounded(eb_neon_sums sums, eb_output_s8 output)
{
    int32x4_t value = vmaxq_s32(sums, vdupq_n_s32(output.low - output.zero_point));
    value = vminq_s32(value, vdupq_n_s32(output.high - output.zero_point));
    return vaddq_s32(value, vdupq_n_s32(output.zero_point));
}

/* Stores the lowest bytes of `count` sums. count: 1 .. 4. */
static inline void eb_neon_store(int8_t *to, eb_neon_sums sums, int32_t count)
{
    const int16x4_t halves = vmovn_s32(sums);
    const int8x8_t bytes = vmovn_s16(vcombine_s16(halves, halves));
    int8_t all[8];
    if (count >= 4) {
        const int32_t word = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
        memcpy(to, &word, 4);
        return;
    }
    vst1_s8(all, bytes);
    for (int32_t i = 0; i < count; ++i) {
        to[i] = all[i];
    }
}

/* Stores eight scaled sums plus the zero point, within the bounds, outside of which lies what
 * saturates. */
static inline void
eb_neon_store_8(int8_t *to, eb_neon_sums first, eb_neon_sums second, eb_output_s8 output)
{
    int16x8_t halves = vcombine_s16(vqmovn_s32(first), vqmovn_s32(second));
    halves = vqaddq_s16(halves, vdupq_n_s16((int16_t)output.zero_point));
    int8x8_t bytes = vqmovn_s16(halves);
    bytes = vmax_s8(bytes, vdup_n_s8((int8_t)output.low));
    bytes = vmin_s8(bytes, vdup_n_s8((int8_t)output.high));
    vst1_s8(to, bytes);
}

/* The same with sixteen. */
static inline void eb_neon_store_16(int8_t *to, const eb_neon_sums *sums, eb_output_s8 output)
{
    const int16x8_t zero_point = vdupq_n_s16((int16_t)output.zero_point);
    const int16x8_t low = vcombine_s16(vqmovn_s32(sums[0]), vqmovn_s32(sums[1]));
    const int16x8_t high = vcombine_s16(vqmovn_s32(sums[2]), vqmovn_s32(sums[3]));
    int8x16_t bytes = vcombine_s8(vqmovn_s16(vqaddq_s16(low, zero_point)),
                                  vqmovn_s16(vqaddq_s16(high, zero_point)));
    bytes = vmaxq_s8(bytes, vdupq_n_s8((int8_t)output.low));
    bytes = vminq_s8(bytes, vdupq_n_s8((int8_t)output.high));
    vst1q_s8(to, bytes);
}

#else

typedef struct {
    int32_t lane[4];
} eb_neon_sums;

static inline eb_neon_sums eb_neon_zero(void)
{
    const eb_neon_sums zero = {{0, 0, 0, 0}};
    return zero;
}

static inline eb_neon_sums eb_neon_dot(eb_neon_sums sums, const int8_t *a, const int8_t *b)
{
    for (int i = 0; i < 16; ++i) {
        sums.lane[i / 4] = eb_add_wrap(sums.lane[i / 4], a[i] * b[i]);
    }
    return sums;
}

static inline eb_neon_sums eb_neon_dot_8(eb_neon_sums sums, const int8_t *a, const int8_t *b)
{
    for (int i = 0; i < 8; ++i) {
        sums.lane[i / 2] = eb_add_wrap(sums.lane[i / 2], a[i] * b[i]);
    }
    return sums;
}

static inline eb_neon_sums
eb_neon_dot_with(int has_sdot, eb_neon_sums sums, const int8_t *a, const int8_t *b)
{
    (void)has_sdot;
    return eb_neon_dot(sums, a, b);
}

static inline eb_neon_sums eb_neon_load(const int32_t *from)
{
    eb_neon_sums sums;
    memcpy(sums.lane, from, sizeof sums.lane);
    return sums;
}

static inline void eb_neon_put(int32_t *to, eb_neon_sums sums)
{
    memcpy(to, sums.lane, sizeof sums.lane);
}

static inline eb_neon_sums eb_neon_plus(eb_neon_sums a, eb_neon_sums b)
{
    for (int i = 0; i < 4; ++i) {
        a.lane[i] = eb_add_wrap(a.lane[i], b.lane[i]);
    }
    return a;
}

static inline eb_neon_sums eb_neon_minus(eb_neon_sums a, eb_neon_sums b)
{
    for (int i = 0; i < 4; ++i) {
        a.lane[i] -= b.lane[i];
    }
    return a;
}

static inline void
eb_neon_widen_20(const int8_t *from, int32_t zero_point, int is_half, eb_neon_sums *to)
{
    for (int i = 0; i < 8; ++i) {
        to[i / 4].lane[i % 4] = (from[i] - zero_point) * (1 << (is_half ? 19 : 20));
    }
}

static inline int32_t eb_neon_total(eb_neon_sums sums)
{
    return eb_add_wrap(eb_add_wrap(sums.lane[0], sums.lane[1]),
                       eb_add_wrap(sums.lane[2], sums.lane[3]));
}

static inline eb_neon_sums
eb_neon_join(eb_neon_sums a, eb_neon_sums b, eb_neon_sums c, eb_neon_sums d)
{
    const eb_neon_sums joined = {
        {eb_neon_total(a), eb_neon_total(b), eb_neon_total(c), eb_neon_total(d)}};
    return joined;
}

static inline eb_neon_sums eb_neon_bounded(eb_neon_sums sums, eb_output_s8 output)
{
    for (int i = 0; i < 4; ++i) {
        const int32_t low = output.low - output.zero_point;
        const int32_t high = output.high - output.zero_point;
        sums.lane[i] = eb_clamp(sums.lane[i], low, high) + output.zero_point;
    }
    return sums;
}

static inline void eb_neon_store(int8_t *to, eb_neon_sums sums, int32_t count)
{
    for (int32_t i = 0; i < eb_min(count, 4); ++i) {
        to[i] = (int8_t)sums.lane[i];
    }
}

static inline eb_neon_sums eb_neon_rescale(eb_neon_sums sums, const int32_t *scales)
{
    for (int i = 0; i < 4; ++i) {
        sums.lane[i] = eb_requantize(sums.lane[i], scales[4 + i], scales[8 + i]);
    }
    return sums;
}

static inline eb_neon_sums eb_neon_scale(eb_neon_sums sums, const int32_t *scales)
{
    eb_neon_sums biases;
    memcpy(biases.lane, scales, sizeof biases.lane);
    return eb_neon_rescale(eb_neon_plus(sums, biases), scales);
}

static inline eb_neon_sums eb_neon_scale_down(eb_neon_sums sums, const int32_t *scales)
{
    return eb_neon_rescale(sums, scales);
}

static inline eb_neon_sums eb_neon_scale_once(eb_neon_sums sums, const int32_t *scales)
{
    for (int i = 0; i < 4; ++i) {
        const int32_t high = (int32_t)((int64_t)sums.lane[i] * scales[4 + i] >> 31);
        const int32_t places = -scales[8 + i]; /* 0 where there is no channel */
        const int32_t half = places > 0 ? 1 << (places - 1) : 0;
        sums.lane[i] = (int32_t)(((int64_t)high + half) >> places);
    }
    return sums;
}

static inline void
eb_neon_store_8(int8_t *to, eb_neon_sums first, eb_neon_sums second, eb_output_s8 output)
{
    for (int32_t i = 0; i < 8; ++i) {
        const int32_t scaled = i < 4 ? first.lane[i] : second.lane[i - 4];
        const int32_t low = output.low - output.zero_point;
        const int32_t high = output.high - output.zero_point;
        to[i] = (int8_t)(eb_clamp(scaled, low, high) + output.zero_point);
    }
}

static inline void eb_neon_store_16(int8_t *to, const eb_neon_sums *sums, eb_output_s8 output)
{
    eb_neon_store_8(to, sums[0], sums[1], output);
    eb_neon_store_8(to + 8, sums[2], sums[3], output);
}

#endif

/* eb_requantize of four sums and their biases, plus the zero point, within the bounds. */
static inline eb_neon_sums
eb_neon_requantize(eb_neon_sums sums, const int32_t *scales, eb_output_s8 output)
{
    return eb_neon_bounded(eb_neon_scale(sums, scales), output);
}

#endif
