/* The vector instructions of Armv8.1-M (MVE) that the kernels in kernels/mve need, and C twins of
 * them for every other machine.
 *
 * EB_HAVE_MVE is 1 on a core that has the instructions. -DEB_FORCE_PORTABLE takes the twins, which
 * lets a host test those kernels under its sanitizers. A load or a store of `count` elements
 * touches no others: lanes from `count` on are zero, or are not stored. count: >= 1.
 */
#ifndef EB_MVE_H
#define EB_MVE_H

#include <stdint.h>

#include "eb_requant.h"

#if defined(__ARM_FEATURE_MVE) && !defined(EB_FORCE_PORTABLE)
#define EB_HAVE_MVE 1
#else
#define EB_HAVE_MVE 0
#endif

#if EB_HAVE_MVE

#include <arm_mve.h>

typedef int8x16_t eb_s8x16;
typedef int16x8_t eb_s16x8;
typedef int32x4_t eb_s32x4;

/* Sixteen bytes: all of them, or some. */
static inline eb_s8x16 eb_load_all_s8x16(const int8_t *from)
{
    return vldrbq_s8(from);
}

static inline eb_s8x16 eb_load_s8x16(const int8_t *from, int32_t count)
{
    return vldrbq_z_s8(from, vctp8q((uint32_t)count));
}

static inline void eb_store_s8x16(int8_t *to, eb_s8x16 value, int32_t count)
{
    vstrbq_p_s8(to, value, vctp8q((uint32_t)count));
}

static inline eb_s8x16 eb_fill_s8x16(int32_t value)
{
    return vdupq_n_s8((int8_t)value);
}

/* sum + the sum of all products, wrapping. */
static inline int32_t eb_dot_s8x16(int32_t sum, eb_s8x16 a, eb_s8x16 b)
{
    return vmladavaq_s8(sum, a, b);
}

/* Eight bytes, widened. */
static inline eb_s16x8 eb_load_s16x8(const int8_t *from)
{
    return vldrbq_s16(from);
}

/* Products of lanes 0, 2, 4, 6. */
static inline eb_s32x4 eb_multiply_even(eb_s16x8 a, eb_s16x8 b)
{
    return vmullbq_int_s16(a, b);
}

/* Products of lanes 1, 3, 5, 7. */
static inline eb_s32x4 eb_multiply_odd(eb_s16x8 a, eb_s16x8 b)
{
    return vmulltq_int_s16(a, b);
}

/* Lanes of `even` and `odd` in turn; each holds an int16. */
static inline eb_s16x8 eb_interleave(eb_s32x4 even, eb_s32x4 odd)
{
    return vmovntq_s32(vreinterpretq_s16_s32(even), odd);
}

/* Eight int16 as bytes. */
static inline void eb_store_s16x8(int8_t *to, eb_s16x8 value)
{
    vstrbq_s16(to, value);
}

/* Four words. */
static inline eb_s32x4 eb_fill_s32x4(int32_t value)
{
    return vdupq_n_s32(value);
}

static inline eb_s32x4 eb_load_s32x4(const int32_t *from)
{
    return vldrwq_s32(from);
}

/* Four sums. The compiler must not see that they become a vector: clang would keep them in one all
 * the time, and move each to and from it for every VMLADAVA. */
static inline eb_s32x4 eb_join_s32x4(int32_t a, int32_t b, int32_t c, int32_t d)
{
    __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    eb_s32x4 joined = vdupq_n_s32(a);
    joined = vsetq_lane_s32(b, joined, 1);
    joined = vsetq_lane_s32(c, joined, 2);
    return vsetq_lane_s32(d, joined, 3);
}

/* Four words as bytes. */
static inline void eb_store_s32x4(int8_t *to, eb_s32x4 value, int32_t count)
{
    vstrbq_p_s32(to, value, vctp32q((uint32_t)count));
}

/* a + b, wrapping. */
static inline eb_s32x4 eb_add_s32x4(eb_s32x4 a, eb_s32x4 b)
{
    return vaddq_s32(a, b);
}

/* eb_requantize of each lane, where -31 <= shift <= 0. */
static inline eb_s32x4 eb_requantize_s32x4(eb_s32x4 sum, eb_s32x4 multiplier, eb_s32x4 shift)
{
    const eb_s32x4 high = vqrdmulhq_s32(sum, multiplier);
    /* VRSHL rounds halves up; one less makes it away from zero for what is negative. */
    const eb_s32x4 away = vshrq_n_s32(vandq_s32(high, shift), 31);
    return vrshlq_s32(vaddq_s32(high, away), shift);
}

/* Adds the zero point, within the bounds. A lane may be anything that eb_requantize returns. */
static inline eb_s32x4 eb_place_s32x4(eb_s32x4 scaled, eb_output_s8 output)
{
    const eb_s32x4 placed = vqaddq_n_s32(scaled, output.zero_point);
    return vminq_s32(vmaxq_s32(placed, vdupq_n_s32(output.low)), vdupq_n_s32(output.high));
}

#else

typedef struct {
    int8_t lane[16];
} eb_s8x16;

typedef struct {
    int16_t lane[8];
} eb_s16x8;

typedef struct {
    int32_t lane[4];
} eb_s32x4;

static inline eb_s8x16 eb_load_all_s8x16(const int8_t *from)
{
    eb_s8x16 value;
    for (int i = 0; i < 16; ++i) {
        value.lane[i] = from[i];
    }
    return value;
}

static inline eb_s8x16 eb_load_s8x16(const int8_t *from, int32_t count)
{
    eb_s8x16 value = {{0}};
    for (int i = 0; i < 16 && i < count; ++i) {
        value.lane[i] = from[i];
    }
    return value;
}

static inline void eb_store_s8x16(int8_t *to, eb_s8x16 value, int32_t count)
{
    for (int i = 0; i < 16 && i < count; ++i) {
        to[i] = value.lane[i];
    }
}

static inline eb_s8x16 eb_fill_s8x16(int32_t value)
{
    eb_s8x16 filled;
    for (int i = 0; i < 16; ++i) {
        filled.lane[i] = (int8_t)value;
    }
    return filled;
}

static inline int32_t eb_dot_s8x16(int32_t sum, eb_s8x16 a, eb_s8x16 b)
{
    for (int i = 0; i < 16; ++i) {
        sum = eb_add_wrap(sum, a.lane[i] * b.lane[i]);
    }
    return sum;
}

static inline eb_s16x8 eb_load_s16x8(const int8_t *from)
{
    eb_s16x8 value;
    for (int i = 0; i < 8; ++i) {
        value.lane[i] = from[i];
    }
    return value;
}

static inline eb_s32x4 eb_multiply_even(eb_s16x8 a, eb_s16x8 b)
{
    eb_s32x4 product;
    for (int i = 0; i < 4; ++i) {
        product.lane[i] = a.lane[2 * i] * b.lane[2 * i];
    }
    return product;
}

static inline eb_s32x4 eb_multiply_odd(eb_s16x8 a, eb_s16x8 b)
{
    eb_s32x4 product;
    for (int i = 0; i < 4; ++i) {
        product.lane[i] = a.lane[2 * i + 1] * b.lane[2 * i + 1];
    }
    return product;
}

static inline eb_s16x8 eb_interleave(eb_s32x4 even, eb_s32x4 odd)
{
    eb_s16x8 value;
    for (int i = 0; i < 4; ++i) {
        value.lane[2 * i] = (int16_t)even.lane[i];
        value.lane[2 * i + 1] = (int16_t)odd.lane[i];
    }
    return value;
}

static inline void eb_store_s16x8(int8_t *to, eb_s16x8 value)
{
    for (int i = 0; i < 8; ++i) {
        to[i] = (int8_t)value.lane[i];
    }
}

static inline eb_s32x4 eb_fill_s32x4(int32_t value)
{
    const eb_s32x4 filled = {{value, value, value, value}};
    return filled;
}

static inline eb_s32x4 eb_load_s32x4(const int32_t *from)
{
    const eb_s32x4 value = {{from[0], from[1], from[2], from[3]}};
    return value;
}

static inline eb_s32x4 eb_join_s32x4(int32_t a, int32_t b, int32_t c, int32_t d)
{
    const eb_s32x4 joined = {{a, b, c, d}};
    return joined;
}

static inline void eb_store_s32x4(int8_t *to, eb_s32x4 value, int32_t count)
{
    for (int i = 0; i < 4 && i < count; ++i) {
        to[i] = (int8_t)value.lane[i];
    }
}

static inline eb_s32x4 eb_add_s32x4(eb_s32x4 a, eb_s32x4 b)
{
    eb_s32x4 sum;
    for (int i = 0; i < 4; ++i) {
        sum.lane[i] = eb_add_wrap(a.lane[i], b.lane[i]);
    }
    return sum;
}

static inline eb_s32x4 eb_requantize_s32x4(eb_s32x4 sum, eb_s32x4 multiplier, eb_s32x4 shift)
{
    eb_s32x4 scaled;
    for (int i = 0; i < 4; ++i) {
        scaled.lane[i] = eb_requantize(sum.lane[i], multiplier.lane[i], shift.lane[i]);
    }
    return scaled;
}

static inline eb_s32x4 eb_place_s32x4(eb_s32x4 scaled, eb_output_s8 output)
{
    eb_s32x4 placed;
    for (int i = 0; i < 4; ++i) {
        const int32_t limited = eb_clamp(scaled.lane[i], -512, 511);
        placed.lane[i] = eb_clamp(limited + output.zero_point, output.low, output.high);
    }
    return placed;
}

#endif

/* Words that turn the sums of four channels into outputs: biases, multipliers, shifts; packed by
 * edgebottle/ops/mve_packing.py. */
#define EB_MVE_SCALES 12

static inline eb_s32x4 eb_scale_s32x4(eb_s32x4 sums, const int32_t *scales, eb_output_s8 output)
{
    const eb_s32x4 total = eb_add_s32x4(sums, eb_load_s32x4(scales));
    const eb_s32x4 scaled =
        eb_requantize_s32x4(total, eb_load_s32x4(scales + 4), eb_load_s32x4(scales + 8));
    return eb_place_s32x4(scaled, output);
}

#endif /* EB_MVE_H */
