/* Refuses a core for which the plan of a model is wrong: kernels with DSP instructions or vectors
 * (MVE) need scratch, those without have none. EB_NEEDS_DSP and EB_NEEDS_MVE, defined before:
 * whether the plan is for such a core. -DEB_FORCE_PORTABLE takes the C twins of vectors.
 */
#ifndef EB_CORE_H
#define EB_CORE_H

#include "eb_dsp.h"

/* The arena has a section of its own, which a linker script may place. macOS names them otherwise.
 */
#if defined(__APPLE__)
#define EB_ARENA
#else
#define EB_ARENA __attribute__((section(".bss.eb_arena")))
#endif

#if defined(__ARM_FEATURE_MVE) || defined(EB_FORCE_PORTABLE)
#define EB_CAN_MVE 1
#else
#define EB_CAN_MVE 0
#endif

#if EB_NEEDS_DSP != EB_HAVE_DSP || EB_NEEDS_MVE > EB_CAN_MVE
#if defined(__ARM_ARCH_6M__)
#error "C for another kind of core; for Cortex-M0 and M0+ build with --board cortex-m0plus"
#elif defined(__ARM_FEATURE_MVE)
#error "C for another kind of core; for Cortex-M55 build with --board cortex-m55"
#elif defined(__ARM_ARCH_7M__)
#error "C for another kind of core; for Cortex-M3 build with --board cortex-m3"
#elif defined(__ARM_ARCH_7EM__) /* no macro tells a Cortex-M7 from a Cortex-M4 in every case */
#error "C for another kind of core; for Cortex-M4 and M7 build with --board cortex-m4, cortex-m7"
#elif defined(__ARM_ARCH_8M_MAIN__) && defined(__ARM_FEATURE_DSP)
#error "C for another kind of core; for Cortex-M33 build with --board cortex-m33"
#elif defined(__riscv)
#error "C for another kind of core; for RISC-V build with --board rv32imac"
#elif defined(__XTENSA__)
#error "C for another kind of core; for Xtensa build with --board esp32"
#elif defined(__x86_64__) || defined(__aarch64__) || defined(__i386__)
#error "C for another kind of core; for a computer build with --board host"
#else
#error "C for another kind of core; for plain C build with --board esp32"
#endif
#endif

#endif
