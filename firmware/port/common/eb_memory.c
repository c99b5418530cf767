/* memcpy, memmove, memset, memcmp: compilers emit calls to them and there is no libc here. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Without this the compiler recognises the loops below and replaces them by calls of themselves. */
#if defined(__clang__)
#define PLAIN_LOOPS __attribute__((no_builtin("memcpy", "memmove", "memset")))
#else
#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

typedef uint32_t __attribute__((may_alias)) word;
#define WORD sizeof(word)

static int aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1u)) == 0u;
}

PLAIN_LOOPS void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if (aligned(d, s)) {
        for (; n >= 4u * WORD; n -= 4u * WORD, d += 4u * WORD, s += 4u * WORD) {
            word *dw = (void *)d;
            const word *sw = (const void *)s;
            word a = sw[0], b = sw[1], c = sw[2], e = sw[3];
            dw[0] = a;
            dw[1] = b;
            dw[2] = c;
            dw[3] = e;
        }
        for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
            *(word *)(void *)d = *(const word *)(const void *)s;
        }
    }
    while (n-- > 0u) {
        *d++ = *s++;
    }
    return dst;
}

PLAIN_LOOPS void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n) {
        /* dst below src, or no overlap: forwards, as memcpy does. */
        return memcpy(dst, src, n);
    }
    if (aligned(d + n, s + n)) {
        for (; n >= WORD; n -= WORD) {
            *(word *)(void *)(d + n - WORD) = *(const word *)(const void *)(s + n - WORD);
        }
    }
    while (n-- > 0u) {
        d[n] = s[n];
    }
    return dst;
}

PLAIN_LOOPS void *memset(void *dst, int value, size_t n)
{
    uint8_t *d = dst;
    uint8_t byte = (uint8_t)value;
    for (; n > 0u && ((uintptr_t)d & (WORD - 1u)) != 0u; n--) {
        *d++ = byte;
    }
    word pattern = byte * 0x01010101u;
    for (; n >= 4u * WORD; n -= 4u * WORD, d += 4u * WORD) {
        word *dw = (void *)d;
        dw[0] = pattern;
        dw[1] = pattern;
        dw[2] = pattern;
        dw[3] = pattern;
    }
    for (; n >= WORD; n -= WORD, d += WORD) {
        *(word *)(void *)d = pattern;
    }
    while (n-- > 0u) {
        *d++ = byte;
    }
    return dst;
}

PLAIN_LOOPS int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; n > 0u; n--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

#if defined(__ARM_EABI__)
/* The names that compilers for Arm call them by (Run-time ABI for the Arm Architecture, 4.3.4). */
#define ALSO_CALLED(function) __attribute__((alias(#function)))
#define COPY(name, function)                                                                       \
    ALSO_CALLED(function)                                                                          \
    void *name(void *dst, const void *src, size_t n)

COPY(__aeabi_memcpy, memcpy);
COPY(__aeabi_memcpy4, memcpy);
COPY(__aeabi_memcpy8, memcpy);
COPY(__aeabi_memmove, memmove);
COPY(__aeabi_memmove4, memmove);
COPY(__aeabi_memmove8, memmove);

void __aeabi_memset(void *dst, size_t n, int value)
{
    memset(dst, value, n);
}

void __aeabi_memclr(void *dst, size_t n)
{
    memset(dst, 0, n);
}

ALSO_CALLED(__aeabi_memset) void __aeabi_memset4(void *dst, size_t n, int value);
ALSO_CALLED(__aeabi_memset) void __aeabi_memset8(void *dst, size_t n, int value);
ALSO_CALLED(__aeabi_memclr) void __aeabi_memclr4(void *dst, size_t n);
ALSO_CALLED(__aeabi_memclr) void __aeabi_memclr8(void *dst, size_t n);
#endif
