/* What a program that runs on many kinds of CPU finds out of the one it runs on. */
#ifndef EB_CPU_H
#define EB_CPU_H

#if defined(__aarch64__) && defined(__linux__) && !defined(EB_FORCE_PORTABLE)

#include <sys/auxv.h>

/* Of AT_HWCAP: HWCAP_ASIMDDP, which older headers lack. */
#define EB_HWCAP_SDOT (1ul << 20)

/* Whether the CPU has SDOT (Armv8.2-A). All cores of a computer have it, or none: the kernel tells
 * what all have. */
static inline int eb_has_sdot(void)
{
    static int found; /* 1: it has, -1: it has not, 0: not asked yet; any thread finds the same */
    int known = __atomic_load_n(&found, __ATOMIC_RELAXED);
    if (known == 0) {
        known = (getauxval(AT_HWCAP) & EB_HWCAP_SDOT) != 0 ? 1 : -1;
        __atomic_store_n(&found, known, __ATOMIC_RELAXED);
    }
    return known > 0;
}

#else

static inline int eb_has_sdot(void)
{
    return 0;
}

#endif

#endif /* EB_CPU_H */
