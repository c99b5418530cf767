/* The tiles of eb_tile_s8.h for cores with the DSP instructions. eb_tile_s8_twin.h is the same in
 * C.
 */
#ifndef EB_TILE_S8_ARM_H
#define EB_TILE_S8_ARM_H

#include "eb_tile_s8_steps.h"

EB_FIELD_AT(eb_tile, weight_bytes, 0);
EB_FIELD_AT(eb_tile, entry, 4);
EB_FIELD_AT(eb_tile, values, 8);
EB_FIELD_AT(eb_tile, requant, 12);
EB_FIELD_AT(eb_tile, is_signed, 16);
EB_FIELD_AT(eb_tile, out, 20);
EB_FIELD_AT(eb_tile, quads, 24);
EB_FIELD_AT(eb_tile, out_stride, 28);
EB_FIELD_AT(eb_tile, is_clamped, 32);
EB_FIELD_AT(eb_tile, low, 36);
EB_FIELD_AT(eb_tile, high, 40);
EB_FIELD_AT(eb_tile, weights, 44);
EB_FIELD_AT(eb_tile, once, 48);

/* clang-format off */

#define EB_WIDEN_2                                                                                 \
    "ldr r6, [%0], #4\n"                                                                           \
    "ldr r8, [%1], #4\n"                                                                           \
    "sxtb16 r4, r6\n"                                                                              \
    "sxtb16 r5, r8\n"                                                                              \
    "sxtb16 r6, r6, ror #8\n"                                                                      \
    "sxtb16 r8, r8, ror #8\n"                                                                      \
    "stmia %2!, {r4, r5, r6, r8}\n"

/* Four taps of two pixels a b become the words a02 b02 a13 b13, two int16 each. */
EB_KERNEL uint32_t *eb_widen_2(const int8_t *a, const int8_t *b, uint32_t *to, int32_t fours)
{
    __asm__ volatile("lsrs %3, %3, #1\n"
                     "bcc 2f\n"
                     EB_WIDEN_2
                     "2:\n"
                     "cbz %3, 4f\n"
                     "3:\n"
                     EB_WIDEN_2
                     EB_WIDEN_2
                     "subs %3, %3, #1\n"
                     "bne 3b\n"
                     "4:\n"
                     : "+r"(a), "+r"(b), "+r"(to), "+l"(fours)
                     :
                     : "r4", "r5", "r6", "r8", "cc", "memory");
    return to;
}

/* sum := its output value; all arguments are registers. */
#define EB_TILE_SCALE(sum, multiplier, added, places, spare)                                       \
    "smmlar " spare ", " sum ", " multiplier ", " added "\n"                                       \
    "add " sum ", " spare ", " sum ", asr #31\n"                                                   \
    "asr " sum ", " sum ", " places "\n"                                                           \
    "ssat " sum ", #8, " sum "\n"

/* The same where negative outputs are clamped to the zero point. */
#define EB_TILE_SCALE_UP(sum, multiplier, added, places, spare)                                    \
    "smmlar " sum ", " sum ", " multiplier ", " added "\n"                                         \
    "asr " sum ", " sum ", " places "\n"                                                           \
    "ssat " sum ", #8, " sum "\n"

/* The same for fully connected layers, which round once. */
#define EB_TILE_SCALE_ONCE(sum, multiplier, added, places, spare)                                  \
    "smmla " sum ", " sum ", " multiplier ", " added "\n"                                          \
    "asr " sum ", " sum ", " places "\n"                                                           \
    "ssat " sum ", #8, " sum "\n"

/* a, b, c, d: the bytes of a word, which becomes a. */
#define EB_TILE_JOIN(a, b, c, d)                                                                   \
    "bfi " a ", " b ", #8, #8\n"                                                                   \
    "bfi " a ", " c ", #16, #8\n"                                                                  \
    "bfi " a ", " d ", #24, #8\n"

/* Four bytes within four bounds each. */
#define EB_TILE_CLAMP(word, low, high, spare)                                                      \
    "ssub8 " spare ", " word ", " low "\n"                                                         \
    "sel " word ", " word ", " low "\n"                                                            \
    "ssub8 " spare ", " high ", " word "\n"                                                        \
    "sel " word ", " word ", " high "\n"

/* The two channels of a lane, of both pixels: `raw` the high one, `sum` the low one. */
#define EB_TILE_4X2_FINISH_LANE(SCALE, raw0, raw1, sum0, sum1)                                     \
    "ldmia lr!, {r0, r1, r2, r3}\n"                                                                \
    "sub " raw0 ", " raw0 ", " sum0 "\n"                                                           \
    "sub " raw1 ", " raw1 ", " sum1 "\n"                                                           \
    "add " raw0 ", r0, " raw0 ", asr #7\n"                                                         \
    "add " raw1 ", r0, " raw1 ", asr #7\n"                                                         \
    SCALE(raw0, "r1", "r2", "r3", "r12")                                                           \
    SCALE(raw1, "r1", "r2", "r3", "r12")                                                           \
    "ldmia lr!, {r0, r1, r2, r3}\n"                                                                \
    "add " sum0 ", r0, " sum0 ", lsl #1\n"                                                         \
    "add " sum1 ", r0, " sum1 ", lsl #1\n"                                                         \
    SCALE(sum0, "r1", "r2", "r3", "r12")                                                           \
    SCALE(sum1, "r1", "r2", "r3", "r12")

/* The outputs of both pixels, of channels 0 to 3 in r4, r8, r6, r10, and r5, r9, r7, r11. */
#define EB_TILE_4X2_LANES(SCALE)                                                                   \
    EB_TILE_4X2_FINISH_LANE(SCALE, "r4", "r5", "r8", "r9")                                         \
    EB_TILE_4X2_FINISH_LANE(SCALE, "r6", "r7", "r10", "r11")

/* The same, those of the first pixel joined in r4, of the second in r5. */
#define EB_TILE_4X2_FINISH(SCALE)                                                                  \
    EB_TILE_4X2_LANES(SCALE)                                                                       \
    EB_TILE_JOIN("r4", "r8", "r6", "r10")                                                          \
    EB_TILE_JOIN("r5", "r9", "r7", "r11")

/* All up to the sums of four channels; then r1 holds t. */
#define EB_TILE_4X2_SUMS                                                                           \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #12\n" /* where the weights end, t */                                             \
    "str r0, [sp, #4]\n"                                                                           \
    "ldr lr, [r0, #44]\n"                                                                          \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r12}\n"                                                                    \
    "add r1, lr, r1\n"                                                                             \
    "str r1, [sp]\n"                                                                               \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    "mov r8, r4\n"                                                                                 \
    "mov r9, r4\n"                                                                                 \
    "mov r10, r4\n"                                                                                \
    "mov r11, r4\n"                                                                                \
    EB_TILE_4X2_ENTER                                                                              \
    "2:\n" /* as many as EB_STEPS_TILE_4X2 */                                                      \
    EB_TILE_4X2_STEP EB_TILE_4X2_STEP EB_TILE_4X2_STEP EB_TILE_4X2_STEP                            \
    EB_TILE_4X2_STEP EB_TILE_4X2_STEP EB_TILE_4X2_STEP EB_TILE_4X2_LAST_STEP                       \
    "ldrd r0, r1, [sp]\n"                                                                          \
    "cmp lr, r0\n"                                                                                 \
    EB_TILE_4X2_AGAIN

/* Stores four channels by STORE, of r4 at r1 and of r5 r2 bytes behind, and goes on with the next;
 * r3: fours of channels to do. */
#define EB_TILE_4X2_STORE_BY(STORE)                                                                \
    "3:\n"                                                                                         \
    "ldr r0, [sp, #4]\n"                                                                           \
    "str lr, [r0, #12]\n"                                                                          \
    "ldrd r1, r3, [r0, #20]\n"                                                                     \
    "ldr r2, [r0, #28]\n"                                                                          \
    "ldr lr, [sp]\n"                                                                               \
    STORE                                                                                          \
    "subs r3, #1\n"                                                                                \
    "strd r1, r3, [r0, #20]\n"                                                                     \
    "bne 1b\n"
#define EB_TILE_4X2_STORE                                                                          \
    EB_TILE_4X2_STORE_BY("str r5, [r1, r2]\n"                                                      \
                         "str r4, [r1], #4\n")

/* Clamps them where that is asked for; store: the label of EB_TILE_4X2_STORE. */
#define EB_TILE_4X2_CLAMP(store)                                                                   \
    "ldr r0, [sp, #4]\n"                                                                           \
    "ldr r1, [r0, #32]\n"                                                                          \
    "cmp r1, #0\n"                                                                                 \
    "beq " store "\n"                                                                              \
    "ldrd r1, r2, [r0, #36]\n"                                                                     \
    EB_TILE_CLAMP("r4", "r1", "r2", "r3")                                                          \
    EB_TILE_CLAMP("r5", "r1", "r2", "r3")

#define EB_TILE_4X2_END                                                                            \
    "str lr, [r0, #44]\n"                                                                          \
    "add sp, sp, #12\n"                                                                            \
    "pop {r4-r11, lr}\n"

/* Two pixels times t->quads fours of channels. */
EB_KERNEL void eb_tile_4x2(eb_tile *t)
{
    const uint32_t steps = (uint32_t)t->weight_bytes / 8u;
    t->entry = (0u - steps) % EB_STEPS_TILE_4X2 * EB_TILE_4X2_STEP_BYTES;
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_TILE_4X2_SUMS
                     "ldrd lr, r0, [r1, #12]\n"
                     "cmp r0, #0\n"
                     "bne 4f\n"
                     EB_TILE_4X2_FINISH(EB_TILE_SCALE_UP)
                     EB_TILE_4X2_STORE
                     "b 5f\n"
                     "4:\n"
                     EB_TILE_4X2_FINISH(EB_TILE_SCALE)
                     EB_TILE_4X2_CLAMP("3b")
                     "b 3b\n"
                     "5:\n"
                     EB_TILE_4X2_END
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* The same for fully connected layers. */
EB_KERNEL void eb_tile_4x2_once(eb_tile *t)
{
    const uint32_t steps = (uint32_t)t->weight_bytes / 8u;
    t->entry = (0u - steps) % EB_STEPS_TILE_4X2 * EB_TILE_4X2_STEP_BYTES;
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_TILE_4X2_SUMS
                     "ldr lr, [r1, #12]\n"
                     EB_TILE_4X2_FINISH(EB_TILE_SCALE_ONCE)
                     EB_TILE_4X2_CLAMP("3f")
                     EB_TILE_4X2_STORE
                     EB_TILE_4X2_END
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* The two channels of a lane: `raw` the high one, `sum` the low one. */
#define EB_TILE_4X1_FINISH(SCALE, raw, sum)                                                        \
    "ldmia lr!, {r8, r9, r10, r11}\n"                                                              \
    "sub " raw ", " raw ", " sum "\n"                                                              \
    "add " raw ", r8, " raw ", asr #7\n"                                                           \
    SCALE(raw, "r9", "r10", "r11", "r12")                                                          \
    "ldmia lr!, {r8, r9, r10, r11}\n"                                                              \
    "add " sum ", r8, " sum ", lsl #1\n"                                                           \
    SCALE(sum, "r9", "r10", "r11", "r12")

/* The same with one scale for all channels, in r9..r11: lr points to biases. */
#define EB_TILE_4X1_FINISH_ONCE(raw, sum)                                                          \
    "ldrd r8, r12, [lr], #8\n"                                                                     \
    "sub " raw ", " raw ", " sum "\n"                                                              \
    "add " raw ", r8, " raw ", asr #7\n"                                                           \
    "add " sum ", r12, " sum ", lsl #1\n"                                                          \
    EB_TILE_SCALE_ONCE(raw, "r9", "r10", "r11", "r8")                                              \
    EB_TILE_SCALE_ONCE(sum, "r9", "r10", "r11", "r8")

/* The unrolled loop: EB_STEPS_TILE_4X1, or EB_STEPS_TILE_4X1_LONG. */
#define EB_TILE_4X1_LOOP                                                                          \
    EB_TILE_4X1_STEP EB_TILE_4X1_STEP EB_TILE_4X1_STEP EB_TILE_4X1_LAST_STEP
#define EB_TILE_4X1_LONG_LOOP                                                                     \
    EB_TILE_4X1_STEP EB_TILE_4X1_STEP EB_TILE_4X1_STEP EB_TILE_4X1_STEP EB_TILE_4X1_LOOP

/* All up to the sums of four channels; then lr points to their requantization, r2 to t. */
#define EB_TILE_4X1_SUMS EB_TILE_4X1_SUMS_BY(EB_TILE_4X1_LOOP)
#define EB_TILE_4X1_SUMS_BY(STEPS)                                                                           \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #4\n"                                                                             \
    "str r0, [sp]\n"                                                                               \
    "ldr lr, [r0, #44]\n"                                                                          \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r12}\n"                                                                    \
    "add r3, lr, r1\n" /* where the weights end */                                                 \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    EB_TILE_4X1_ENTER                                                                              \
    "2:\n"                                                                                         \
    STEPS                                                                                          \
    EB_TILE_4X1_AGAIN                                                                              \
    "ldr r2, [sp]\n"                                                                               \
    "ldr lr, [r2, #12]\n"

/* Stores their outputs, goes on with the next four, and ends; frame: its bytes on the stack. */
#define EB_TILE_4X1_STORE_FROM(frame)                                                                      \
    EB_TILE_JOIN("r4", "r6", "r5", "r7")                                                           \
    "ldr r0, [sp]\n"                                                                               \
    "str lr, [r0, #12]\n"                                                                          \
    "ldr r1, [r0, #32]\n"                                                                          \
    "cbz r1, 3f\n"                                                                                 \
    "ldrd r1, r2, [r0, #36]\n"                                                                     \
    EB_TILE_CLAMP("r4", "r1", "r2", "r12")                                                         \
    "3:\n"                                                                                         \
    "ldrd r1, r2, [r0, #20]\n"                                                                     \
    "mov lr, r3\n"                                                                                 \
    "str r4, [r1], #4\n"                                                                           \
    "subs r2, #1\n"                                                                                \
    "strd r1, r2, [r0, #20]\n"                                                                     \
    "bne 1b\n"                                                                                     \
    "str lr, [r0, #44]\n"                                                                          \
    "add sp, sp, #" frame "\n"                                                                             \
    "pop {r4-r11, lr}\n"
#define EB_TILE_4X1_STORE EB_TILE_4X1_STORE_FROM("4")

/* One pixel, whose values are bytes, times t->quads fours of channels. */
EB_KERNEL void eb_tile_4x1(eb_tile *t)
{
    const uint32_t steps = (uint32_t)t->weight_bytes / 16u;
    t->entry = (0u - steps) % EB_STEPS_TILE_4X1 * EB_TILE_4X1_STEP_BYTES;
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_TILE_4X1_SUMS
                     "ldr r0, [r2, #48]\n"
                     "cbnz r0, 4f\n"
                     EB_TILE_4X1_FINISH(EB_TILE_SCALE, "r4", "r6")
                     EB_TILE_4X1_FINISH(EB_TILE_SCALE, "r5", "r7")
                     "b 5f\n"
                     "4:\n"
                     "ldmia r0, {r9, r10, r11}\n"
                     EB_TILE_4X1_FINISH_ONCE("r4", "r6")
                     EB_TILE_4X1_FINISH_ONCE("r5", "r7")
                     "5:\n"
                     EB_TILE_4X1_STORE
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* The same for fully connected layers with one scale, and a longer loop. */
EB_KERNEL void eb_tile_4x1_long(eb_tile *t)
{
    const uint32_t steps = (uint32_t)t->weight_bytes / 16u;
    t->entry = (0u - steps) % EB_STEPS_TILE_4X1_LONG * EB_TILE_4X1_STEP_BYTES;
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_TILE_4X1_SUMS_BY(EB_TILE_4X1_LONG_LOOP)
                     "ldr r0, [r2, #48]\n"
                     "ldmia r0, {r9, r10, r11}\n"
                     EB_TILE_4X1_FINISH_ONCE("r4", "r6")
                     EB_TILE_4X1_FINISH_ONCE("r5", "r7")
                     EB_TILE_4X1_STORE
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* The same for fully connected layers with a scale for each channel. */
EB_KERNEL void eb_tile_4x1_once(eb_tile *t)
{
    const uint32_t steps = (uint32_t)t->weight_bytes / 16u;
    t->entry = (0u - steps) % EB_STEPS_TILE_4X1 * EB_TILE_4X1_STEP_BYTES;
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_TILE_4X1_SUMS
                     EB_TILE_4X1_FINISH(EB_TILE_SCALE_ONCE, "r4", "r6")
                     EB_TILE_4X1_FINISH(EB_TILE_SCALE_ONCE, "r5", "r7")
                     EB_TILE_4X1_STORE
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* clang-format on */

#include "eb_tile_bits_arm.h"

#endif /* EB_TILE_S8_ARM_H */
