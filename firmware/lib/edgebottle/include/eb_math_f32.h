/* Functions of float32 without a C library: relative error below 2e-7, no static state. */
#ifndef EB_MATH_F32_H
#define EB_MATH_F32_H

#include <stdint.h>
#include <string.h>

/* The float with these bits. */
static inline float eb_float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* 2^n for n in -126 .. 127. */
static inline float eb_power_of_two(int32_t n)
{
    return eb_float_from_bits((uint32_t)(n + 127) << 23);
}

/* The nearest integer, halves away from zero. |value| <= 2^22. */
static inline int32_t eb_round_f32(float value)
{
    const int32_t whole = (int32_t)value;
    const float rest = value - (float)whole; /* exact */
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

/* e^x; infinity above 88.73, 0 below -103.9, NaN for NaN.
 *
 * x = n ln 2 + r with |r| <= ln(2) / 2; e^r by its Taylor series to r^7, whose rest is below 6e-9.
 */
static inline float eb_exp_f32(float x)
{
    if (x > 88.73f) {
        return eb_float_from_bits(0x7f800000u);
    }
    if (x < -103.9f) {
        return 0.0f;
    }
    if (x != x) {
        return x;
    }
    const int32_t n = eb_round_f32(x * 1.44269504f);
    /* ln 2 in two parts: n times the first is exact. */
    const float r = (x - (float)n * 0.693359375f) + (float)n * 2.12194440e-4f;
    float sum = 1.0f / 5040.0f;
    sum = sum * r + 1.0f / 720.0f;
    sum = sum * r + 1.0f / 120.0f;
    sum = sum * r + 1.0f / 24.0f;
    sum = sum * r + 1.0f / 6.0f;
    sum = sum * r + 0.5f;
    sum = sum * r * r + r + 1.0f;
    /* Two factors, because 2^n alone may be out of range where the result is not. */
    const int32_t half = n / 2;
    return sum * eb_power_of_two(half) * eb_power_of_two(n - half);
}

/* e^x - 1 for x <= 0: by the Taylor series to x^8 where e^x is near 1, whose rest is below 2e-10.
 */
static inline float eb_expm1_f32(float x)
{
    if (x < -0.35f) {
        return eb_exp_f32(x) - 1.0f;
    }
    float sum = 1.0f / 40320.0f;
    sum = sum * x + 1.0f / 5040.0f;
    sum = sum * x + 1.0f / 720.0f;
    sum = sum * x + 1.0f / 120.0f;
    sum = sum * x + 1.0f / 24.0f;
    sum = sum * x + 1.0f / 6.0f;
    sum = sum * x + 0.5f;
    return sum * x * x + x;
}

/* The natural logarithm; minus infinity for 0, NaN below.
 *
 * x = m 2^n with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)) by its series to
 * the ninth power, whose rest is below 4e-9.
 */
static inline float eb_log_f32(float x)
{
    const float infinity = eb_float_from_bits(0x7f800000u);
    if (!(x > 0.0f) || x == infinity) {
        const float negative = x < 0.0f ? eb_float_from_bits(0x7fc00000u) : x;
        return x == 0.0f ? -infinity : negative;
    }
    int32_t n = 0;
    if (x < 1.17549435e-38f) {
        x *= 16777216.0f; /* 2^24 */
        n = -24;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    n += (int32_t)(bits >> 23) - 127;
    float m = eb_float_from_bits((bits & 0x7fffffu) | 0x3f800000u);
    if (m > 1.41421354f) {
        m *= 0.5f;
        n += 1;
    }
    const float s = (m - 1.0f) / (m + 1.0f);
    const float square = s * s;
    float sum = 2.0f / 9.0f;
    sum = sum * square + 2.0f / 7.0f;
    sum = sum * square + 2.0f / 5.0f;
    sum = sum * square + 2.0f / 3.0f;
    sum = sum * square * s + 2.0f * s;
    /* ln 2 in two parts: n times the first is exact. */
    return ((float)n * -2.12194440e-4f + sum) + (float)n * 0.693359375f;
}

/* The error function: its series of positive terms, 2 / sqrt(pi) e^(-x^2) (x + 2/3 x^3 + ...), to
 * |x| = 4, beyond which it is 1 in single precision. */
static inline float eb_erf_f32(float x)
{
    const float magnitude = x < 0.0f ? -x : x;
    if (magnitude > 4.0f) {
        return x < 0.0f ? -1.0f : 1.0f;
    }
    const float square = x * x;
    float term = x;
    float sum = x;
    for (int32_t n = 1; n < 50; ++n) {
        term *= 2.0f * square / (float)(2 * n + 1);
        sum += term;
    }
    return 1.12837917f * eb_exp_f32(-square) * sum;
}

/* The square root; NaN below 0.
 *
 * Three steps of Newton's method for 1 / sqrt(x) from a guess by its exponent, which is off by at
 * most 3.5 percent: the error of each is 1.5 times the square of the last.
 */
static inline float eb_sqrt_f32(float x)
{
    const float infinity = eb_float_from_bits(0x7f800000u);
    if (!(x > 0.0f) || x == infinity) {
        return x < 0.0f ? eb_float_from_bits(0x7fc00000u) : x;
    }
    float scale = 1.0f;
    if (x < 1.17549435e-38f) {
        x *= 16777216.0f; /* 2^24 */
        scale = 1.0f / 4096.0f;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    float inverse = eb_float_from_bits(0x5f3759dfu - (bits >> 1));
    for (int32_t n = 0; n < 3; ++n) {
        inverse *= 1.5f - 0.5f * x * inverse * inverse;
    }
    const float root = x * inverse;
    return scale * (root + 0.5f * inverse * (x - root * root));
}

/* 1 / (1 + e^-x). */
static inline float eb_logistic_f32(float x)
{
    return 1.0f / (1.0f + eb_exp_f32(-x));
}

/* The hyperbolic tangent: Lambert's continued fraction to five levels for small |x|, whose rest is
 * below 3e-9, else by e^(2 |x|). */
static inline float eb_tanh_f32(float x)
{
    const float magnitude = x < 0.0f ? -x : x;
    if (magnitude < 0.7f) {
        const float square = x * x;
        const float above = (square + 105.0f) * square + 945.0f;
        const float below = (15.0f * square + 420.0f) * square + 945.0f;
        return x * (above / below);
    }
    const float result =
        magnitude > 10.0f ? 1.0f : 1.0f - 2.0f / (eb_exp_f32(2.0f * magnitude) + 1.0f);
    if (magnitude != magnitude) {
        return x;
    }
    return x < 0.0f ? -result : result;
}

/* The nearest of low and high where x lies outside of them. */
static inline float eb_clamp_f32(float x, float low, float high)
{
    const float raised = x < low ? low : x;
    return raised > high ? high : raised;
}

#endif /* EB_MATH_F32_H */
