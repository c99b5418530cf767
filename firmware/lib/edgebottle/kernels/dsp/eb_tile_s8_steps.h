/* What the tiles of eb_tile_s8_arm.h do again and again: how they are entered, a step, and whether
 * there is another. Each is as the core issues it best.
 */
#ifndef EB_TILE_S8_STEPS_H
#define EB_TILE_S8_STEPS_H

/* The Cortex-M7 issues two instructions at once. Of Armv7E-M only it has an FPU of version 5, which
 * clang says; gcc is told (-DEB_DUAL_ISSUE=1 in cpus.toml), and without makes what is right as
 * well.
 */
#if !defined(EB_DUAL_ISSUE)
#if defined(__ARM_ARCH_7EM__) && defined(__ARM_FPV5__)
#define EB_DUAL_ISSUE 1
#else
#define EB_DUAL_ISSUE 0
#endif
#endif

/* The Cortex-M4 pipelines loads that follow each other: the core of Armv7E-M that issues one
 * instruction at a time. */
#if defined(__ARM_ARCH_7EM__) && !EB_DUAL_ISSUE
#define EB_PIPELINED_LOADS 1
#else
#define EB_PIPELINED_LOADS 0
#endif

/* clang-format off */

/* Two taps of two pixels times four channels. Raw sums r4..r7, sums of the low channels r8..r11. */
#if EB_DUAL_ISSUE
/* The Cortex-M7: what a step multiplies is loaded one word at a time beside the products of the step
 * before it, where LDRD would issue alone. */
#define EB_TILE_4X2_LOADS                                                                          \
    "ldr r2, [lr], #4\n"                                                                           \
    "ldr r0, [r12], #4\n"                                                                          \
    "ldr r3, [lr], #4\n"
#define EB_TILE_4X2_PRODUCTS(after_r2, after_r0, after_r3)                                         \
    "ldr r1, [r12], #4\n"                                                                          \
    "smlad r4, r2, r0, r4\n"                                                                       \
    "smlad r6, r3, r0, r6\n"                                                                       \
    "smlad r5, r2, r1, r5\n"                                                                       \
    "sxtb16 r2, r2\n"                                                                              \
    "smlad r7, r3, r1, r7\n"                                                                       \
    "sxtb16 r3, r3\n"                                                                              \
    "smlad r8, r2, r0, r8\n"                                                                       \
    "smlad r9, r2, r1, r9\n"                                                                       \
    after_r2                                                                                       \
    "smlad r10, r3, r0, r10\n"                                                                     \
    after_r0                                                                                       \
    "smlad r11, r3, r1, r11\n"                                                                     \
    after_r3
#define EB_TILE_4X2_STEP                                                                           \
    EB_TILE_4X2_PRODUCTS("ldr r2, [lr], #4\n", "ldr r0, [r12], #4\n", "ldr r3, [lr], #4\n")
#define EB_TILE_4X2_LAST_STEP EB_TILE_4X2_PRODUCTS("", "", "")
#define EB_TILE_4X2_STEP_BYTES 56u
#define EB_TILE_4X2_ENTER                                                                          \
    "mov r1, r2\n"                                                                                 \
    EB_TILE_4X2_LOADS                                                                              \
    "add pc, r1\n"                                                                                 \
    "nop\n"
#define EB_TILE_4X2_AGAIN                                                                          \
    "beq 6f\n"                                                                                     \
    EB_TILE_4X2_LOADS                                                                              \
    "b 2b\n"                                                                                       \
    "6:\n"
#else
#if EB_PIPELINED_LOADS
/* The Cortex-M4: a load right behind another one takes a single cycle, unless that has changed the
 * base of this one, or reads another memory: so those from flash, perhaps, come first. LDRD takes
 * three. */
#define EB_TILE_4X2_OPERANDS                                                                       \
    "ldr r3, [lr, #4]\n"                                                                           \
    "ldr r2, [lr], #8\n"                                                                           \
    "ldr r1, [r12, #4]\n"                                                                          \
    "ldr r0, [r12], #8\n"
#define EB_TILE_4X2_STEP_BYTES 56u
#else
#define EB_TILE_4X2_OPERANDS                                                                       \
    "ldrd r0, r1, [r12], #8\n"                                                                     \
    "ldrd r2, r3, [lr], #8\n"
#define EB_TILE_4X2_STEP_BYTES 48u
#endif
#define EB_TILE_4X2_STEP                                                                           \
    EB_TILE_4X2_OPERANDS                                                                           \
    "smlad r4, r2, r0, r4\n"                                                                       \
    "smlad r5, r2, r1, r5\n"                                                                       \
    "sxtb16 r2, r2\n"                                                                              \
    "smlad r6, r3, r0, r6\n"                                                                       \
    "smlad r7, r3, r1, r7\n"                                                                       \
    "sxtb16 r3, r3\n"                                                                              \
    "smlad r8, r2, r0, r8\n"                                                                       \
    "smlad r9, r2, r1, r9\n"                                                                       \
    "smlad r10, r3, r0, r10\n"                                                                     \
    "smlad r11, r3, r1, r11\n"
#define EB_TILE_4X2_LAST_STEP EB_TILE_4X2_STEP
#define EB_TILE_4X2_ENTER                                                                          \
    "add pc, r2\n"                                                                                 \
    "nop\n"
#define EB_TILE_4X2_AGAIN "bne 2b\n"
#endif
#define EB_STEPS_TILE_4X2 8u

/* Four taps of a pixel times four channels. Raw sums r4, r5, sums of the low channels r6, r7. */
#if EB_DUAL_ISSUE
/* The Cortex-M7, as above: what is loaded beside products costs no cycle, the rest comes by LDM.
 * Whether a step is the last is known before it, as its weights are loaded. */
#define EB_TILE_4X1_LOADS                                                                          \
    "ldr r2, [r12], #4\n"                                                                          \
    "ldr r8, [lr], #4\n"                                                                           \
    "sxtb16 r1, r2\n"                                                                              \
    "ldmia lr!, {r9, r10, r11}\n"
#define EB_TILE_4X1_PRODUCTS(after_r9, after_r10, after_r11)                                       \
    "sxtb16 r0, r2, ror #8\n"                                                                      \
    "smlad r4, r8, r1, r4\n"                                                                       \
    "sxtb16 r8, r8\n"                                                                              \
    "smlad r5, r9, r1, r5\n"                                                                       \
    "sxtb16 r9, r9\n"                                                                              \
    "smlad r4, r10, r0, r4\n"                                                                      \
    "sxtb16 r10, r10\n"                                                                            \
    "smlad r5, r11, r0, r5\n"                                                                      \
    "sxtb16 r11, r11\n"                                                                            \
    "smlad r6, r8, r1, r6\n"                                                                       \
    "smlad r7, r9, r1, r7\n"                                                                       \
    after_r9                                                                                       \
    "smlad r6, r10, r0, r6\n"                                                                      \
    after_r10                                                                                      \
    "smlad r7, r11, r0, r7\n"                                                                      \
    after_r11
#define EB_TILE_4X1_STEP                                                                           \
    EB_TILE_4X1_PRODUCTS("ldr r2, [r12], #4\n",                                                    \
                         "ldr r8, [lr], #4\n"                                                      \
                         "sxtb16 r1, r2\n",                                                        \
                         "ldmia lr!, {r9, r10, r11}\n")
#define EB_TILE_4X1_LAST_STEP                                                                      \
    "cmp lr, r3\n"                                                                                 \
    EB_TILE_4X1_PRODUCTS("", "",                                                                   \
                         "ittt ne\n"                                                               \
                         "ldrne r2, [r12], #4\n"                                                   \
                         "ldrne r8, [lr], #4\n"                                                    \
                         "ldmiane lr!, {r9, r10, r11}\n"                                           \
                         "sxtb16 r1, r2\n")
#define EB_TILE_4X1_STEP_BYTES 68u
#define EB_TILE_4X1_ENTER                                                                          \
    "mov r0, r2\n"                                                                                 \
    EB_TILE_4X1_LOADS                                                                              \
    "add pc, r0\n"                                                                                 \
    "nop\n"
#define EB_TILE_4X1_AGAIN "bne 2b\n"
#else
#define EB_TILE_4X1_STEP                                                                           \
    "ldr r0, [r12], #4\n"                                                                          \
    "ldmia lr!, {r8, r9, r10, r11}\n"                                                              \
    "sxtb16 r1, r0\n"                                                                              \
    "sxtb16 r0, r0, ror #8\n"                                                                      \
    "smlad r4, r8, r1, r4\n"                                                                       \
    "smlad r5, r9, r1, r5\n"                                                                       \
    "sxtb16 r8, r8\n"                                                                              \
    "sxtb16 r9, r9\n"                                                                              \
    "smlad r4, r10, r0, r4\n"                                                                      \
    "smlad r5, r11, r0, r5\n"                                                                      \
    "sxtb16 r10, r10\n"                                                                            \
    "sxtb16 r11, r11\n"                                                                            \
    "smlad r6, r8, r1, r6\n"                                                                       \
    "smlad r7, r9, r1, r7\n"                                                                       \
    "smlad r6, r10, r0, r6\n"                                                                      \
    "smlad r7, r11, r0, r7\n"
#define EB_TILE_4X1_LAST_STEP EB_TILE_4X1_STEP
#define EB_TILE_4X1_STEP_BYTES 64u
#define EB_TILE_4X1_ENTER                                                                          \
    "add pc, r2\n"                                                                                 \
    "nop\n"
#define EB_TILE_4X1_AGAIN                                                                          \
    "cmp lr, r3\n"                                                                                 \
    "bne 2b\n"
#endif
#define EB_STEPS_TILE_4X1 4u
#define EB_STEPS_TILE_4X1_LONG 8u

/* clang-format on */

#endif /* EB_TILE_S8_STEPS_H */
