/* The sums of eb_tile_levels.h for weights of 2 or 1 bits: two channels to a lane. In the place of
 * the sums of 4 bits, part of eb_tile_levels_arm.h.
 */
#ifndef EB_TILE_LEVEL_PAIRS_ARM_H
#define EB_TILE_LEVEL_PAIRS_ARM_H

/* clang-format off */

/* Two taps of two pixels, r0 and r1, times four channels, from a word of codes, r2, rotated by so
 * many places for each two channels. r8: a lane's bits, twice. Sums r4, r5 and r6, r7. */
#define EB_LEVEL_PAIRS_4X2(first, second)                                                          \
    "ldrd r0, r1, [r12], #8\n"                                                                     \
    "and r3, r8, r2" first "\n"                                                                    \
    "smlad r4, r3, r0, r4\n"                                                                       \
    "smlad r5, r3, r1, r5\n"                                                                       \
    "and r3, r8, r2, ror #" second "\n"                                                            \
    "smlad r6, r3, r0, r6\n"                                                                       \
    "smlad r7, r3, r1, r7\n"

/* The same of one pixel. Sums r4 and r5. */
#define EB_LEVEL_PAIRS_4X1(value, first, second)                                                   \
    "and r3, r8, r2" first "\n"                                                                    \
    "smlad r4, r3, " value ", r4\n"                                                                \
    "and r3, r8, r2, ror #" second "\n"                                                            \
    "smlad r5, r3, " value ", r5\n"

/* A word: four taps of 2 bits, or eight of 1. */
#define EB_LEVEL_PAIRS_WORD "ldr r2, [lr], #4\n"
#define EB_LEVELS_2_4X2_STEP                                                                       \
    EB_LEVEL_PAIRS_WORD                                                                            \
    EB_LEVEL_PAIRS_4X2("", "4")                                                                    \
    EB_LEVEL_PAIRS_4X2(", ror #8", "12")
#define EB_LEVELS_1_4X2_STEP                                                                       \
    EB_LEVEL_PAIRS_WORD                                                                            \
    EB_LEVEL_PAIRS_4X2("", "2")                                                                    \
    EB_LEVEL_PAIRS_4X2(", ror #4", "6")                                                            \
    EB_LEVEL_PAIRS_4X2(", ror #8", "10")                                                           \
    EB_LEVEL_PAIRS_4X2(", ror #12", "14")
#define EB_LEVELS_2_4X1_STEP                                                                       \
    EB_LEVEL_PAIRS_WORD                                                                            \
    EB_LEVELS_4X1_VALUES                                                                           \
    EB_LEVEL_PAIRS_4X1("r0", "", "4")                                                              \
    EB_LEVEL_PAIRS_4X1("r1", ", ror #8", "12")
#define EB_LEVELS_1_4X1_STEP                                                                       \
    EB_LEVEL_PAIRS_WORD                                                                            \
    EB_LEVELS_4X1_VALUES                                                                           \
    EB_LEVEL_PAIRS_4X1("r0", "", "2")                                                              \
    EB_LEVEL_PAIRS_4X1("r1", ", ror #4", "6")                                                      \
    EB_LEVELS_4X1_VALUES                                                                           \
    EB_LEVEL_PAIRS_4X1("r0", ", ror #8", "10")                                                     \
    EB_LEVEL_PAIRS_4X1("r1", ", ror #12", "14")
#define EB_LEVELS_2_4X2_BYTES 60u
#define EB_LEVELS_1_4X2_BYTES 116u
#define EB_LEVELS_2_4X1_BYTES 40u
#define EB_LEVELS_1_4X1_BYTES 76u

/* EB_LEVEL_PAIRS_TURNS words. */
#define EB_LEVEL_PAIRS_8(STEP) STEP STEP STEP STEP STEP STEP STEP STEP
#define EB_LEVEL_PAIRS_4(STEP) STEP STEP STEP STEP

/* Sets the bytes of the unrolled loop to skip for the first run of words, and for the others. */
#define EB_LEVEL_PAIRS_READY(t, TURNS, BYTES)                                                      \
    (t)->tile.entry = ((TURNS) - (t)->first) * (BYTES);                                            \
    (t)->next = ((TURNS) - (t)->run) * (BYTES)
#define EB_LEVELS_2_READY(t, TILE) EB_LEVEL_PAIRS_READY(t, 8u, EB_LEVELS_2_##TILE##_BYTES)
#define EB_LEVELS_1_READY(t, TILE) EB_LEVEL_PAIRS_READY(t, 4u, EB_LEVELS_1_##TILE##_BYTES)

/* Up to the loop of two pixels; r10: where the weights end, r11: totals, where there are more runs
 * than one; r4..r7: sums. */
#define EB_LEVEL_PAIRS_BEGIN_2(mask_low, mask_high, half)                                          \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #12\n" /* where the weights end, t */                                             \
    "str r0, [sp, #4]\n"                                                                           \
    "ldr lr, [r0, #44]\n"                                                                          \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r12}\n"                                                                    \
    "ldr r3, [r0, #80]\n"                                                                          \
    "add r10, lr, r1\n"                                                                            \
    "str r10, [sp]\n"                                                                              \
    "movw r8, #" mask_low "\n"                                                                     \
    "movt r8, #" mask_high "\n"                                                                    \
    "cbz r3, 3f\n"                                                                                 \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    "add r11, r0, #88\n"                                                                           \
    "stmia r11!, {r4, r5, r6, r7}\n"                                                               \
    "stmia r11, {r4, r5, r6, r7}\n"                                                                \
    "sub r11, r11, #16\n"                                                                          \
    "3:\n"                                                                                         \
    "mov r4, #" half "\n"                                                                          \
    "mov r5, r4\n"                                                                                 \
    "mov r6, r4\n"                                                                                 \
    "mov r7, r4\n"                                                                                 \
    "add pc, r2\n"                                                                                 \
    "nop\n"                                                                                        \
    "2:\n"

/* Adds the lower sum of a register to a total. */
#define EB_LEVEL_PAIRS_LOW(total, sum, places)                                                     \
    "ubfx r9, " sum ", #0, #" places "\n"                                                          \
    "add " total ", " total ", r9\n"

/* After a run: the sums to the totals, lower ones first; on with the next. After the last, twice
 * the products with weights in r4..r11, as EB_LEVELS_4X2_APART leaves them; r1: t. */
#define EB_LEVEL_PAIRS_END_2(places, half)                                                         \
    "cmp lr, r10\n"                                                                                \
    "beq.w 6f\n"                                                                                   \
    "ldmia r11, {r0, r1, r2, r3}\n"                                                                \
    EB_LEVEL_PAIRS_LOW("r0", "r4", places)                                                         \
    EB_LEVEL_PAIRS_LOW("r1", "r5", places)                                                         \
    EB_LEVEL_PAIRS_LOW("r2", "r6", places)                                                         \
    EB_LEVEL_PAIRS_LOW("r3", "r7", places)                                                         \
    "stmia r11!, {r0, r1, r2, r3}\n"                                                               \
    "ldmia r11, {r0, r1, r2, r3}\n"                                                                \
    "add r0, r0, r4, asr #" places "\n"                                                            \
    "add r1, r1, r5, asr #" places "\n"                                                            \
    "add r2, r2, r6, asr #" places "\n"                                                            \
    "add r3, r3, r7, asr #" places "\n"                                                            \
    "stmia r11, {r0, r1, r2, r3}\n"                                                                \
    "sub r11, r11, #16\n"                                                                          \
    "ldr r2, [r11, #-4]\n"                                                                         \
    "b.w 3b\n"                                                                                     \
    "6:\n"                                                                                         \
    "ldr lr, [sp, #4]\n"                                                                           \
    "ubfx r0, r4, #0, #" places "\n"                                                               \
    "ubfx r1, r5, #0, #" places "\n"                                                               \
    "ubfx r2, r6, #0, #" places "\n"                                                               \
    "ubfx r3, r7, #0, #" places "\n"                                                               \
    "asr r8, r4, #" places "\n"                                                                    \
    "asr r9, r5, #" places "\n"                                                                    \
    "asr r10, r6, #" places "\n"                                                                   \
    "asr r12, r7, #" places "\n"                                                                   \
    "ldr r4, [lr, #80]\n"                                                                          \
    "cbz r4, 7f\n"                                                                                 \
    "ldmia r11!, {r4, r5, r6, r7}\n"                                                               \
    "add r0, r0, r4\n"                                                                             \
    "add r1, r1, r5\n"                                                                             \
    "add r2, r2, r6\n"                                                                             \
    "add r3, r3, r7\n"                                                                             \
    "ldmia r11, {r4, r5, r6, r7}\n"                                                                \
    "add r8, r8, r4\n"                                                                             \
    "add r9, r9, r5\n"                                                                             \
    "add r10, r10, r6\n"                                                                           \
    "add r12, r12, r7\n"                                                                           \
    "7:\n"                                                                                         \
    "ldr r11, [lr, #52]\n"                                                                         \
    "ldrd r6, r7, [lr, #56]\n"                                                                     \
    "mla r4, r0, r11, r6\n"                                                                        \
    "mla r5, r1, r11, r7\n"                                                                        \
    "mla r0, r2, r11, r6\n"                                                                        \
    "mla r3, r3, r11, r7\n"                                                                        \
    "ldrd r1, r2, [lr, #64]\n"                                                                     \
    "mla r6, r8, r11, r1\n"                                                                        \
    "mla r7, r9, r11, r2\n"                                                                        \
    "mla r10, r10, r11, r1\n"                                                                      \
    "mla r11, r12, r11, r2\n"                                                                      \
    "mov r8, r0\n"                                                                                 \
    "mov r9, r3\n"                                                                                 \
    "mov r1, lr\n"

#define EB_LEVELS_2_4X2_SUMS                                                                       \
    EB_LEVEL_PAIRS_BEGIN_2("0xc003", "0xc003", "0x2000")                                           \
    EB_LEVEL_PAIRS_8(EB_LEVELS_2_4X2_STEP)                                                         \
    EB_LEVEL_PAIRS_END_2("14", "0x2000")
#define EB_LEVELS_1_4X2_SUMS                                                                       \
    EB_LEVEL_PAIRS_BEGIN_2("0x8001", "0x8001", "0x4000")                                           \
    EB_LEVEL_PAIRS_4(EB_LEVELS_1_4X2_STEP)                                                         \
    EB_LEVEL_PAIRS_END_2("15", "0x4000")

#define EB_LEVELS_2_4X1_FRAME "4"
#define EB_LEVELS_1_4X1_FRAME "4"

/* The same of one pixel; the totals are r6, r7, r9, r11. Then lr points to the requantization, r2
 * to t, and the channels are in r4, r6, r5, r7. */
#define EB_LEVEL_PAIRS_BEGIN_1(mask_low, mask_high, half)                                          \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #4\n"                                                                             \
    "str r0, [sp]\n"                                                                               \
    "ldr lr, [r0, #44]\n"                                                                          \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r12}\n"                                                                    \
    "add r10, lr, r1\n"                                                                            \
    "movw r8, #" mask_low "\n"                                                                     \
    "movt r8, #" mask_high "\n"                                                                    \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    "mov r9, r6\n"                                                                                 \
    "mov r11, r6\n"                                                                                \
    "3:\n"                                                                                         \
    "mov r4, #" half "\n"                                                                          \
    "mov r5, r4\n"                                                                                 \
    "add pc, r2\n"                                                                                 \
    "nop\n"                                                                                        \
    "2:\n"
#define EB_LEVEL_PAIRS_END_1(places)                                                               \
    "ubfx r0, r4, #0, #" places "\n"                                                               \
    "ubfx r1, r5, #0, #" places "\n"                                                               \
    "add r6, r6, r0\n"                                                                             \
    "add r7, r7, r4, asr #" places "\n"                                                            \
    "add r9, r9, r1\n"                                                                             \
    "add r11, r11, r5, asr #" places "\n"                                                          \
    "ldr r0, [sp]\n"                                                                               \
    "ldr r2, [r0, #84]\n"                                                                          \
    "cmp lr, r10\n"                                                                                \
    "bne.w 3b\n"                                                                                   \
    "mov r2, r0\n"                                                                                 \
    "mov r3, r10\n"                                                                                \
    "ldr lr, [r2, #12]\n"                                                                          \
    "ldrd r0, r1, [r2, #52]\n"                                                                     \
    "ldr r8, [r2, #64]\n"                                                                          \
    "mla r4, r6, r0, r1\n"                                                                         \
    "mla r6, r7, r0, r8\n"                                                                         \
    "mla r5, r9, r0, r1\n"                                                                         \
    "mla r7, r11, r0, r8\n"

#define EB_LEVELS_2_4X1_SUMS                                                                       \
    EB_LEVEL_PAIRS_BEGIN_1("0xc003", "0xc003", "0x2000")                                           \
    EB_LEVEL_PAIRS_8(EB_LEVELS_2_4X1_STEP)                                                         \
    EB_LEVEL_PAIRS_END_1("14")
#define EB_LEVELS_1_4X1_SUMS                                                                       \
    EB_LEVEL_PAIRS_BEGIN_1("0x8001", "0x8001", "0x4000")                                           \
    EB_LEVEL_PAIRS_4(EB_LEVELS_1_4X1_STEP)                                                         \
    EB_LEVEL_PAIRS_END_1("15")

/* clang-format on */

#endif /* EB_TILE_LEVEL_PAIRS_ARM_H */
