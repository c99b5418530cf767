/* Sine and cosine of float32, for any finite argument; included by eb_function.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_TRIGONOMETRY_F32_H
#define EB_KERNELS_PORTABLE_TRIGONOMETRY_F32_H

/* Turns of x within its circle, in units of 2^-32, rounded down. 0.5 <= |x|, finite.
 *
 * |x| is an integer of 24 bits times 2^k, so of 1 / (2 pi) * 2^k only the bits behind the point
 * count; the first 64 of those give the turns to 2^-40. After Payne and Hanek.
 */
static inline uint32_t eb_turns_f32(float x)
{
    /* 1 / (2 pi) in bits behind the point, after 32 zeros for k from -24 to 104. */
    static const uint32_t inverse[] = {0x00000000u, 0x28be60dbu, 0x9391054au, 0x7f09d5f4u,
                                       0x7d4d3770u, 0x36d8a566u, 0x4f10e410u};
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t exponent = (int32_t)((bits >> 23) & 0xff);
    const uint64_t whole = (bits & 0x7fffffu) | 0x800000u;
    const int32_t first = exponent - 150 + 32;
    const uint32_t *words = inverse + first / 32;
    const int32_t skipped = first % 32;
    uint64_t fraction = ((uint64_t)words[0] << 32 | words[1]) << skipped;
    if (skipped != 0) {
        fraction |= words[2] >> (32 - skipped);
    }
    const uint32_t turns = (uint32_t)(whole * fraction >> 32);
    return (bits >> 31) != 0 ? 0u - turns : turns;
}

/* The sine of x moved on by `quarters` quarters of a turn; NaN for what is not finite.
 *
 * By Taylor series on an eighth of a turn around a multiple of a quarter, to the ninth and the
 * tenth power, whose rest is below 2e-9.
 */
static inline float eb_sine_f32(float x, uint32_t quarters)
{
    if (!(x - x == 0.0f)) {
        return x - x;
    }
    float rest = x;
    if (x > 0.75f || x < -0.75f) {
        const uint32_t turns = eb_turns_f32(x);
        const uint32_t nearest = (turns + 0x20000000u) >> 30;
        rest = (float)(int32_t)(turns - (nearest << 30)) * 1.46291808e-9f; /* 2 pi * 2^-32 */
        quarters += nearest;
    }
    const float square = rest * rest;
    float result;
    if ((quarters & 1u) != 0) {
        result = 1.0f / 40320.0f - square * (1.0f / 3628800.0f);
        result = result * square - 1.0f / 720.0f;
        result = result * square + 1.0f / 24.0f;
        result = result * square - 0.5f;
        result = result * square + 1.0f;
    } else {
        result = square * (1.0f / 362880.0f) - 1.0f / 5040.0f;
        result = result * square + 1.0f / 120.0f;
        result = result * square - 1.0f / 6.0f;
        result = result * square * rest + rest;
    }
    return (quarters & 2u) != 0 ? -result : result;
}

/* The sine. */
static inline float eb_sin_f32(float x)
{
    return eb_sine_f32(x, 0);
}

/* The cosine. */
static inline float eb_cos_f32(float x)
{
    return eb_sine_f32(x, 1);
}

#endif /* EB_KERNELS_PORTABLE_TRIGONOMETRY_F32_H */
