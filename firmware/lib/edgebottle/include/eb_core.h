/* Refuses a core for which the plan of a model is wrong: kernels with DSP instructions need
 * scratch, those without have none. EB_NEEDS_DSP, defined before: whether the plan is for such a
 * core.
 */
#ifndef EB_CORE_H
#define EB_CORE_H

#include "eb_dsp.h"

#if EB_NEEDS_DSP != EB_HAVE_DSP
#if defined(__ARM_ARCH_6M__)
#error "C for another kind of core; for Cortex-M0 and M0+ build with --board nucleo_g0b1re"
#elif defined(__ARM_FEATURE_MVE)
#error "C for another kind of core; for Cortex-M55 build with --board mps3_an547"
#elif defined(__ARM_ARCH_7EM__) && defined(__ARM_FP) && (__ARM_FP & 8)
#error "C for another kind of core; for Cortex-M7 build with --board stm32f746"
#elif defined(__ARM_ARCH_7EM__)
#error "C for another kind of core; for Cortex-M4 build with --board nucleo_l4r5zi"
#elif defined(__ARM_ARCH_8M_MAIN__) && defined(__ARM_FEATURE_DSP)
#error "C for another kind of core; for Cortex-M33 build with --board nucleo_u575zi"
#elif defined(__riscv)
#error "C for another kind of core; for RISC-V build with --board longan_nano"
#elif defined(__x86_64__) || defined(__aarch64__) || defined(__i386__)
#error "C for another kind of core; for a computer build with --board host"
#else
#error "C for another kind of core; for one without DSP build with --board nucleo_g0b1re"
#endif
#endif

#endif
