/* Fixed-point requantization: from int32 accumulators to the values of a quantized output.
 *
 * edgebottle/ops/fixed_point.py is the same in NumPy and says where the rounding comes from. No
 * undefined behaviour for any argument within the stated ranges. Right shifts of negative numbers
 * are arithmetic, as with every compiler for the targets of this library.
 */
#ifndef EB_REQUANT_H
#define EB_REQUANT_H

#include <stddef.h>
#include <stdint.h>

/* Refuses to compile where a field is not at the offset that assembly has for it: C99 has no
 * _Static_assert. Only where the assembly is: pointers take 8 bytes elsewhere. */
#define EB_FIELD_AT(type, field, offset)                                                           \
    typedef char type##_##field##_is_at_##offset[offsetof(type, field) == (offset) ? 1 : -1]

/* A kernel large enough that the layers of a model share one copy. */
#ifndef EB_KERNEL
#define EB_KERNEL static __attribute__((noinline, unused))
#endif

/* A row of a kernel: a part of its only caller, or a function of its own where there are more. */
#define EB_ROW static __attribute__((unused))

/* A kernel compiled for one layer alone, whose sizes are constants then: faster and larger. */
#define EB_INLINED static inline __attribute__((always_inline, unused))

static inline int32_t eb_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t eb_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* `value` limited to low .. high, where low <= high. */
static inline int32_t eb_clamp(int32_t value, int32_t low, int32_t high)
{
    return eb_min(eb_max(value, low), high);
}

/* a + b, wrapping: LiteRT's accumulators do, and channels that a network does not use hold biases
 * near the ends of int32. */
static inline int32_t eb_add_wrap(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* The high 32 bits of 2 * a * b, rounded half up. a and b are not both -2^31. */
static inline int32_t eb_doubling_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* value / 2^exponent, rounded half away from zero. exponent: 0 .. 31. */
static inline int32_t eb_rounding_shift_right(int32_t value, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

/* acc * multiplier * 2^(shift - 31), rounded twice as LiteRT does.
 *
 * multiplier: 0 .. 2^31 - 1; shift: -31 .. 30. A left shift (shift > 0) wraps. With shift <= 0 this
 * is also TFLite's MultiplyByQuantizedMultiplierSmallerThanOneExp.
 */
static inline int32_t eb_requantize(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t left = eb_max(shift, 0);
    const int32_t right = eb_max(-shift, 0);
    const int32_t shifted = (int32_t)((uint32_t)acc << left);
    return eb_rounding_shift_right(eb_doubling_high_mul(shifted, multiplier), right);
}

/* eb_requantize, plus the zero point, within low .. high: one element of an int8 output.
 *
 * zero_point, low, high: -128 .. 127.
 */
static inline int8_t eb_requantize_s8(
    int32_t acc, int32_t multiplier, int32_t shift, int32_t zero_point, int32_t low, int32_t high)
{
    const int32_t scaled = eb_requantize(acc, multiplier, shift);
    /* Clamped before the zero point is added, so that the sum cannot overflow. */
    return (int8_t)(eb_clamp(scaled, low - zero_point, high - zero_point) + zero_point);
}

/* Marks the shift of a channel whose sum may reach 2^30. */
#define EB_SHIFT_WIDE 64

/* Where the elements of an int8 output lie: zero point and bounds, each -128 .. 127. */
typedef struct {
    int32_t zero_point;
    int32_t low;
    int32_t high; /* >= low */
} eb_output_s8;

/* eb_requantize with a shift of -places, plus the zero point, within the bounds; |acc| < 2^30,
 * places: 1 .. 31. */
static inline int8_t
eb_requantize_narrow(int32_t acc, int32_t multiplier, int32_t places, eb_output_s8 output)
{
    /* The high word of 2 * acc * multiplier, rounded half up, then half away from zero. */
    const int32_t high = (int32_t)(((int64_t)(acc * 2) * multiplier + ((int64_t)1 << 31)) >> 32);
    const int32_t scaled = (high + (high >> 31) + ((int32_t)1 << (places - 1))) >> places;
    return (int8_t)eb_clamp(scaled + output.zero_point, output.low, output.high);
}

/* An int8 output of a convolution: eb_requantize, plus the zero point, within the bounds.
 *
 * shift < 0: only where |acc| < 2^30, which spares this usual case some instructions; else the
 * shift is given as shift + EB_SHIFT_WIDE.
 */
static inline int8_t
eb_requantize_sum(int32_t acc, int32_t multiplier, int32_t shift, eb_output_s8 output)
{
    int32_t places;
    int32_t scaled;
    if (shift < 0) {
        return eb_requantize_narrow(acc, multiplier, -shift, output);
    }
    places = shift < EB_SHIFT_WIDE / 2 ? shift : shift - EB_SHIFT_WIDE;
    scaled = eb_clamp(eb_requantize(acc, multiplier, places), -512, 511);
    return (int8_t)eb_clamp(scaled + output.zero_point, output.low, output.high);
}

/* acc * scale, rounded half away from zero after the product was rounded to the 53 bits of a
 * double, which is how LiteRT scales a fully connected layer; saturates at +-2^30.
 *
 * scale = (high * 2^32 + low) * 2^-shift, from fixed_point.exact_multiplier:
 * high < 2^21; shift: 33 .. 86.
 */
static inline int32_t eb_scale_accumulator(int32_t acc, uint32_t high, uint32_t low, int32_t shift)
{
    const uint32_t magnitude = acc < 0 ? 0u - (uint32_t)acc : (uint32_t)acc;
    /* The exact product is top * 2^32 + bottom, below 2^84. */
    const uint64_t partial = (uint64_t)magnitude * low;
    const uint32_t bottom = (uint32_t)partial;
    uint64_t top = (uint64_t)magnitude * high + (partial >> 32);
    if ((top >> 21) != 0) {
        /* More than 53 bits: what lies within half a unit below a tie is rounded up to it. */
        const int32_t length = 64 - __builtin_clzll(top);
        const uint32_t half_unit = (uint32_t)1 << (length - 22);
        top += (uint32_t)(bottom + half_unit) < bottom ? 1u : 0u;
    }
    top = (top + ((uint64_t)1 << (shift - 33))) >> (shift - 32);
    const int32_t scaled = top < (1u << 30) ? (int32_t)top : 1 << 30;
    return acc < 0 ? -scaled : scaled;
}

#endif /* EB_REQUANT_H */
