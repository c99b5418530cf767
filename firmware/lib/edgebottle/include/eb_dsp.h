/* The DSP instructions of Armv7E-M and Armv8-M, and C twins of them for every other machine.
 *
 * EB_HAVE_DSP is 1 where the kernels in kernels/dsp are used: on a core that has the instructions,
 * or anywhere with -DEB_FORCE_DSP, which lets a host test those kernels under its sanitizers.
 * A word holds two int16 halves, the bottom one in bits 0..15, or four int8, the first in bits
 * 0..7.
 */
#ifndef EB_DSP_H
#define EB_DSP_H

#include <stdint.h>

/* Cores with MVE have kernels of their own, and the portable ones for the rest; so have Cortex-A.
 */
#if defined(__ARM_FEATURE_MVE) && !defined(EB_FORCE_DSP)
#define EB_HAVE_DSP 0
#elif defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'A' && !defined(EB_FORCE_DSP)
#define EB_HAVE_DSP 0
#elif defined(__ARM_FEATURE_DSP) && !defined(EB_FORCE_PORTABLE)
#define EB_HAVE_DSP 1
#elif defined(EB_FORCE_DSP)
#define EB_HAVE_DSP 1
#else
#define EB_HAVE_DSP 0
#endif

/* Kernels for Cortex-A: there, and on other computers, which compile their C twins. */
#if defined(__ARM_NEON) || defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
#define EB_HAS_NEON_KERNELS 1
#else
#define EB_HAS_NEON_KERNELS 0
#endif

/* A word at any address: one instruction, where a freestanding compiler would call memcpy. */
typedef struct __attribute__((packed, may_alias)) {
    uint32_t word;
} eb_unaligned_word;

/* A 32-bit word from any address, lowest byte first. */
static inline uint32_t eb_load_word(const void *from)
{
    return ((const eb_unaligned_word *)from)->word;
}

/* A 32-bit word to any address. */
static inline void eb_store_word(void *to, uint32_t word)
{
    ((eb_unaligned_word *)to)->word = word;
}

#if defined(__ARM_FEATURE_DSP)

/* Bytes 0 and 2, sign-extended to the bottom and the top half. */
static inline uint32_t eb_sxtb16(uint32_t word)
{
    uint32_t result;
    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
    return result;
}

/* Bytes 1 and 3, sign-extended to the bottom and the top half. */
static inline uint32_t eb_sxtb16_ror8(uint32_t word)
{
    uint32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
}

/* acc + bottom * bottom + top * top. */
static inline int32_t eb_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
}

/* acc + bottom * bottom. */
static inline int32_t eb_smlabb(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
}

/* acc + bottom * top. */
static inline int32_t eb_smlabt(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t result;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
}

/* acc + top * bottom. */
static inline int32_t eb_smlatb(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t result;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
}

/* acc + top * top. */
static inline int32_t eb_smlatt(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t result;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
}

#else

static inline uint32_t eb_sxtb16(uint32_t word)
{
    const uint32_t bottom = (uint32_t)(int32_t)(int8_t)(word & 0xffu);
    const uint32_t top = (uint32_t)(int32_t)(int8_t)((word >> 16) & 0xffu);
    return (bottom & 0xffffu) | (top << 16);
}

static inline uint32_t eb_sxtb16_ror8(uint32_t word)
{
    return eb_sxtb16(word >> 8);
}

static inline int32_t eb_bottom(uint32_t word)
{
    return (int16_t)(word & 0xffffu);
}

static inline int32_t eb_top(uint32_t word)
{
    return (int16_t)(word >> 16);
}

static inline int32_t eb_smlabb(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + eb_bottom(a) * eb_bottom(b);
}

static inline int32_t eb_smlatt(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + eb_top(a) * eb_top(b);
}

static inline int32_t eb_smlabt(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + eb_bottom(a) * eb_top(b);
}

static inline int32_t eb_smlatb(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + eb_top(a) * eb_bottom(b);
}

static inline int32_t eb_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    return eb_smlatt(a, b, eb_smlabb(a, b, acc));
}

#endif

#endif /* EB_DSP_H */
