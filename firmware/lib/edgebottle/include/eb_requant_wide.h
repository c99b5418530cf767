/* Requantization of the sums of 16-bit activations, which have up to 48 bits.
 *
 * edgebottle/ops/fixed_point.py is the same in NumPy.
 */
#ifndef EB_REQUANT_WIDE_H
#define EB_REQUANT_WIDE_H

#include "eb_requant.h"

/* acc * multiplier * 2^(shift - 15), rounded half up: LiteRT reduces multipliers to 16 bits here.
 *
 * |acc| < 2^47; multiplier: 0 .. 2^15 - 1; shift: -31 .. 7; the result lies within int32.
 */
static inline int32_t eb_requantize_wide(int64_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t places = 15 - shift;
    return (int32_t)((acc * multiplier + ((int64_t)1 << (places - 1))) >> places);
}

/* Adds 2^bit to a number of 128 bits; returns its upper half. bit: 0 .. 127. */
static inline uint64_t eb_add_bit(uint64_t top, uint64_t *bottom, int32_t bit)
{
    if (bit >= 64) {
        return top + ((uint64_t)1 << (bit - 64));
    }
    const uint64_t before = *bottom;
    *bottom = before + ((uint64_t)1 << bit);
    return top + (*bottom < before ? 1u : 0u);
}

/* eb_scale_accumulator for |acc| < 2^48: the exact product, below 2^101, is rounded to 53 bits and
 * then to an integer.
 *
 * Whatever lies within half a unit of the first rounding below a tie of the second is rounded up.
 */
static inline int32_t eb_scale_wide(int64_t acc, uint32_t high, uint32_t low, int32_t shift)
{
    const uint64_t magnitude = acc < 0 ? 0u - (uint64_t)acc : (uint64_t)acc;
    const uint64_t lower = (uint32_t)magnitude;
    const uint64_t upper = magnitude >> 32;
    const uint64_t first = lower * low;
    const uint64_t middle = lower * high + upper * low + (first >> 32);
    uint64_t bottom = (middle << 32) | (uint32_t)first;
    uint64_t top = upper * high + (middle >> 32);
    const int32_t length = top != 0 ? 128 - __builtin_clzll(top) : 64 - __builtin_clzll(bottom | 1);
    top = eb_add_bit(top, &bottom, shift - 1);
    if (length > 53) {
        top = eb_add_bit(top, &bottom, length - 54);
    }
    int32_t scaled = 1 << 30;
    if (shift >= 64) {
        scaled = (top >> (shift - 64)) < (1u << 30) ? (int32_t)(top >> (shift - 64)) : scaled;
    } else if ((top >> (shift - 33)) == 0) {
        const uint64_t whole = (top << (64 - shift)) | (bottom >> shift);
        scaled = whole < (1u << 30) ? (int32_t)whole : scaled;
    }
    return acc < 0 ? -scaled : scaled;
}

#endif /* EB_REQUANT_WIDE_H */
