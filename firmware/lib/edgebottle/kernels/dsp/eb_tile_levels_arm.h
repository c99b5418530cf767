/* The tiles of eb_tile_levels.h for cores with the DSP instructions. eb_tile_levels_twin.h is the
 * same in C. The frames, stores and scales are those of eb_tile_s8_arm.h.
 */
#ifndef EB_TILE_LEVELS_ARM_H
#define EB_TILE_LEVELS_ARM_H

#include "eb_widen_sum_arm.h"

EB_FIELD_AT(eb_tile_levels, twice_step, 52);
EB_FIELD_AT(eb_tile_levels, base, 56);
EB_FIELD_AT(eb_tile_levels, more, 80);
EB_FIELD_AT(eb_tile_levels, next, 84);
EB_FIELD_AT(eb_tile_levels, totals, 88);

/* clang-format off */

/* The products of the values of two pixels, r0 and r1, with what is left of the codes of a lane. */
#define EB_LEVELS_SUM_2(sum0, sum1, codes)                                                         \
    "smlad " sum0 ", " codes ", r0, " sum0 "\n"                                                    \
    "smlad " sum1 ", " codes ", r1, " sum1 "\n"

/* Two taps of two pixels times four channels: all codes, then without the highest ones, one after
 * the other. Sums r4..r11, two for each set of codes, that of channel 0 first. */
#define EB_LEVELS_4X2_HALF(codes, without3, without2, without1)                                    \
    EB_LEVELS_SUM_2("r10", "r11", codes)                                                           \
    without3 "\n"                                                                                  \
    EB_LEVELS_SUM_2("r8", "r9", codes)                                                             \
    without2 "\n"                                                                                  \
    EB_LEVELS_SUM_2("r6", "r7", codes)                                                             \
    without1 "\n"                                                                                  \
    EB_LEVELS_SUM_2("r4", "r5", codes)
#define EB_LEVELS_4_4X2_HALF(codes)                                                                \
    "ldrd r0, r1, [r12], #8\n"                                                                     \
    EB_LEVELS_4X2_HALF(codes, "bic " codes ", " codes ", #0xf000f000", "uxtb16 " codes ", " codes, \
                       "and " codes ", " codes ", #0x000f000f")

/* The same of r3, where r2 is free: no codes are used right after they were masked. */
#define EB_LEVELS_4_4X2_LAST_HALF                                                                  \
    "ldrd r0, r1, [r12], #8\n"                                                                     \
    "bic r2, r3, #0xf000f000\n"                                                                    \
    EB_LEVELS_SUM_2("r10", "r11", "r3")                                                            \
    "uxtb16 r3, r3\n"                                                                              \
    EB_LEVELS_SUM_2("r8", "r9", "r2")                                                              \
    "and r2, r3, #0x000f000f\n"                                                                    \
    EB_LEVELS_SUM_2("r6", "r7", "r3")                                                              \
    EB_LEVELS_SUM_2("r4", "r5", "r2")

/* Four taps, of 4 bits. */
#define EB_LEVELS_4_4X2_STEP                                                                       \
    "ldrd r2, r3, [lr], #8\n"                                                                      \
    EB_LEVELS_4_4X2_HALF("r2")                                                                     \
    EB_LEVELS_4_4X2_LAST_HALF
#define EB_LEVELS_4_4X2_BYTES 100u
#define EB_LEVELS_4_4X2_TURNS 4u
#define EB_LEVELS_4_4X2_LOOP                                                                       \
    EB_LEVELS_4_4X2_STEP EB_LEVELS_4_4X2_STEP EB_LEVELS_4_4X2_STEP EB_LEVELS_4_4X2_STEP

/* All up to the sums of four channels; then r1 holds t. BEGIN sets them; r0 holds t and is free. */
#define EB_LEVELS_4X2_SUMS_FROM(BEGIN, LOOP)                                                       \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #12\n" /* where the weights end, t */                                             \
    "str r0, [sp, #4]\n"                                                                           \
    "ldr lr, [r0, #44]\n"                                                                          \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r12}\n"                                                                    \
    "add r1, lr, r1\n"                                                                             \
    "str r1, [sp]\n"                                                                               \
    BEGIN                                                                                          \
    "add pc, r2\n"                                                                                 \
    "nop\n"                                                                                        \
    "2:\n"                                                                                         \
    LOOP                                                                                           \
    "ldrd r0, r1, [sp]\n"                                                                          \
    "cmp lr, r0\n"                                                                                 \
    "bne.w 2b\n"

/* With nothing. */
#define EB_LEVELS_4X2_ZEROS                                                                        \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    "mov r8, r4\n"                                                                                 \
    "mov r9, r4\n"                                                                                 \
    "mov r10, r4\n"                                                                                \
    "mov r11, r4\n"
#define EB_LEVELS_4X2_SUMS(LOOP) EB_LEVELS_4X2_SUMS_FROM(EB_LEVELS_4X2_ZEROS, LOOP)

/* With the products of the lowest weight, in steps. */
#define EB_LEVELS_4X2_STARTS                                                                       \
    "adds r0, #88\n"                                                                               \
    "ldmia r0, {r4, r5, r6, r7, r8, r9, r10, r11}\n"

/* The sums of the channels apart, r4, r5 of channel 0 and so on; the codes of channels 1, 2, 3 have
 * been shifted by so many places. */
#define EB_LEVELS_4X2_PARTS(places1, places2, places3)                                             \
    "sub r10, r10, r8\n"                                                                           \
    "sub r11, r11, r9\n"                                                                           \
    "sub r8, r8, r6\n"                                                                             \
    "sub r9, r9, r7\n"                                                                             \
    "sub r6, r6, r4\n"                                                                             \
    "sub r7, r7, r5\n"                                                                             \
    "asr r6, r6, #" places1 "\n"                                                                   \
    "asr r7, r7, #" places1 "\n"                                                                   \
    "asr r8, r8, #" places2 "\n"                                                                   \
    "asr r9, r9, #" places2 "\n"                                                                   \
    "asr r10, r10, #" places3 "\n"                                                                 \
    "asr r11, r11, #" places3 "\n"

/* The same as twice the products with weights. r1 still holds t. */
#define EB_LEVELS_4X2_APART(places1, places2, places3)                                             \
    EB_LEVELS_4X2_PARTS(places1, places2, places3)                                                 \
    "ldr r0, [r1, #52]\n"                                                                          \
    "ldrd r2, r3, [r1, #56]\n"                                                                     \
    "ldrd r12, lr, [r1, #64]\n"                                                                    \
    "mla r4, r4, r0, r2\n"                                                                         \
    "mla r5, r5, r0, r3\n"                                                                         \
    "mla r6, r6, r0, r2\n"                                                                         \
    "mla r7, r7, r0, r3\n"                                                                         \
    "mla r8, r8, r0, r2\n"                                                                         \
    "mla r9, r9, r0, r3\n"                                                                         \
    "mla r10, r10, r0, r12\n"                                                                      \
    "mla r11, r11, r0, lr\n"

/* The outputs of a channel of both pixels. */
#define EB_LEVELS_4X2_FINISH_CHANNEL(SCALE, sum0, sum1)                                            \
    "ldmia lr!, {r0, r1, r2, r3}\n"                                                                \
    "add " sum0 ", " sum0 ", r0\n"                                                                 \
    "add " sum1 ", " sum1 ", r0\n"                                                                 \
    SCALE(sum0, "r1", "r2", "r3", "r12")                                                           \
    SCALE(sum1, "r1", "r2", "r3", "r12")

/* The same of sums in steps, twice which is in r12. */
#define EB_LEVELS_4X2_FINISH_SCALED(SCALE, sum0, sum1)                                             \
    "ldmia lr!, {r0, r1, r2, r3}\n"                                                                \
    "mla " sum0 ", " sum0 ", r12, r0\n"                                                            \
    "mla " sum1 ", " sum1 ", r12, r0\n"                                                            \
    SCALE(sum0, "r1", "r2", "r3", "r0")                                                            \
    SCALE(sum1, "r1", "r2", "r3", "r0")

/* The outputs of both pixels, a pair of registers for each channel; CHANNEL: one of the two above.
 */
#define EB_LEVELS_4X2_OUTPUTS(CHANNEL, SCALE)                                                      \
    CHANNEL(SCALE, "r4", "r5")                                                                     \
    CHANNEL(SCALE, "r6", "r7")                                                                     \
    CHANNEL(SCALE, "r8", "r9")                                                                     \
    CHANNEL(SCALE, "r10", "r11")

/* The same, those of the first pixel joined in r4, of the second in r5. */
#define EB_LEVELS_4X2_FINISH_ALL(CHANNEL, SCALE)                                                   \
    EB_LEVELS_4X2_OUTPUTS(CHANNEL, SCALE)                                                          \
    EB_TILE_JOIN("r4", "r6", "r8", "r10")                                                          \
    EB_TILE_JOIN("r5", "r7", "r9", "r11")
#define EB_LEVELS_4X2_FINISH(SCALE) EB_LEVELS_4X2_FINISH_ALL(EB_LEVELS_4X2_FINISH_CHANNEL, SCALE)

/* Two taps of a pixel times four channels, as above. Sums r4, r6, r5, r7 of channels 0 to 3. */
#define EB_LEVELS_4X1_HALF(codes, value, without3, without2, without1)                             \
    "smlad r7, " codes ", " value ", r7\n"                                                         \
    without3 "\n"                                                                                  \
    "smlad r5, " codes ", " value ", r5\n"                                                         \
    without2 "\n"                                                                                  \
    "smlad r6, " codes ", " value ", r6\n"                                                         \
    without1 "\n"                                                                                  \
    "smlad r4, " codes ", " value ", r4\n"
#define EB_LEVELS_4_4X1_HALF(codes, value)                                                         \
    EB_LEVELS_4X1_HALF(codes, value, "bic " codes ", " codes ", #0xf000f000",                      \
                       "uxtb16 " codes ", " codes, "and " codes ", " codes ", #0x000f000f")
#define EB_LEVELS_4X1_VALUES "ldrd r0, r1, [r12], #8\n"

/* Four taps, of 4 bits. */
#define EB_LEVELS_4_4X1_STEP                                                                       \
    "ldrd r8, r9, [lr], #8\n"                                                                      \
    EB_LEVELS_4X1_VALUES                                                                           \
    EB_LEVELS_4_4X1_HALF("r8", "r0")                                                               \
    EB_LEVELS_4_4X1_HALF("r9", "r1")

/* Eight taps. */
#define EB_LEVELS_4_4X1_STEP_8                                                                     \
    "ldmia lr!, {r8, r9, r10, r11}\n"                                                              \
    "ldmia r12!, {r0, r1, r2, r3}\n"                                                               \
    EB_LEVELS_4_4X1_HALF("r8", "r0")                                                               \
    EB_LEVELS_4_4X1_HALF("r9", "r1")                                                               \
    EB_LEVELS_4_4X1_HALF("r10", "r2")                                                              \
    EB_LEVELS_4_4X1_HALF("r11", "r3")
#define EB_LEVELS_4_4X1_BYTES 120u
#define EB_LEVELS_4_4X1_TURNS 4u
#define EB_LEVELS_4_4X1_FRAME "8"

/* All up to the sums of four channels; then lr points to their requantization, r2 to t. */
#define EB_LEVELS_4_4X1_SUMS_FROM(BEGIN)                                                           \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #8\n" /* t, where the weights end */                                              \
    "str r0, [sp]\n"                                                                               \
    "ldr lr, [r0, #44]\n"                                                                          \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r12}\n"                                                                    \
    "add r3, lr, r1\n"                                                                             \
    "str r3, [sp, #4]\n"                                                                           \
    "ldr r1, [r0, #80]\n"                                                                          \
    BEGIN                                                                                          \
    "cbz r1, 7f\n"                                                                                 \
    EB_LEVELS_4_4X1_STEP                                                                           \
    "7:\n"                                                                                         \
    "add pc, r2\n"                                                                                 \
    "nop\n"                                                                                        \
    "2:\n"                                                                                         \
    EB_LEVELS_4_4X1_STEP_8 EB_LEVELS_4_4X1_STEP_8                                                  \
    EB_LEVELS_4_4X1_STEP_8 EB_LEVELS_4_4X1_STEP_8                                                  \
    "ldr r3, [sp, #4]\n"                                                                           \
    "cmp lr, r3\n"                                                                                 \
    "bne.w 2b\n"                                                                                   \
    "ldr r2, [sp]\n"                                                                               \
    "ldr lr, [r2, #12]\n"

/* With nothing, and with the products of the lowest weight, in steps. */
#define EB_LEVELS_4X1_ZEROS                                                                        \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"
#define EB_LEVELS_4X1_STARTS                                                                       \
    "add r4, r0, #88\n"                                                                            \
    "ldmia r4, {r4, r5, r6, r7}\n"

/* As EB_LEVELS_4X2_APART; channels 0 to 3 in r4, r6, r5, r7. */
#define EB_LEVELS_4X1_PARTS(places1, places2, places3)                                             \
    "sub r7, r7, r5\n"                                                                             \
    "sub r5, r5, r6\n"                                                                             \
    "sub r6, r6, r4\n"                                                                             \
    "asr r6, r6, #" places1 "\n"                                                                   \
    "asr r5, r5, #" places2 "\n"                                                                   \
    "asr r7, r7, #" places3 "\n"
#define EB_LEVELS_4X1_APART(places1, places2, places3)                                             \
    EB_LEVELS_4X1_PARTS(places1, places2, places3)                                                 \
    "ldrd r0, r1, [r2, #52]\n"                                                                     \
    "ldr r8, [r2, #64]\n"                                                                          \
    "mla r4, r4, r0, r1\n"                                                                         \
    "mla r6, r6, r0, r1\n"                                                                         \
    "mla r5, r5, r0, r1\n"                                                                         \
    "mla r7, r7, r0, r8\n"

#define EB_LEVELS_4X1_FINISH_CHANNEL(SCALE, sum)                                                   \
    "ldmia lr!, {r8, r9, r10, r11}\n"                                                              \
    "add " sum ", " sum ", r8\n"                                                                   \
    SCALE(sum, "r9", "r10", "r11", "r12")
#define EB_LEVELS_4X1_FINISH_ALL(CHANNEL, SCALE)                                                   \
    CHANNEL(SCALE, "r4")                                                                           \
    CHANNEL(SCALE, "r6")                                                                           \
    CHANNEL(SCALE, "r5")                                                                           \
    CHANNEL(SCALE, "r7")
#define EB_LEVELS_4X1_FINISH(SCALE) EB_LEVELS_4X1_FINISH_ALL(EB_LEVELS_4X1_FINISH_CHANNEL, SCALE)

/* The same of sums in steps, twice which is in r0. */
#define EB_LEVELS_4X1_FINISH_SCALED(SCALE, sum)                                                    \
    "ldmia lr!, {r8, r9, r10, r11}\n"                                                              \
    "mla " sum ", " sum ", r0, r8\n"                                                               \
    SCALE(sum, "r9", "r10", "r11", "r12")

/* The same with one scale for all channels, in r9..r11: lr points to biases. */
#define EB_LEVELS_4X1_FINISH_ONCE                                                                  \
    "ldrd r8, r12, [lr], #8\n"                                                                     \
    "add r4, r4, r8\n"                                                                             \
    "add r6, r6, r12\n"                                                                            \
    "ldrd r8, r12, [lr], #8\n"                                                                     \
    "add r5, r5, r8\n"                                                                             \
    "add r7, r7, r12\n"                                                                            \
    EB_TILE_SCALE_ONCE("r4", "r9", "r10", "r11", "r8")                                             \
    EB_TILE_SCALE_ONCE("r6", "r9", "r10", "r11", "r8")                                             \
    EB_TILE_SCALE_ONCE("r5", "r9", "r10", "r11", "r8")                                             \
    EB_TILE_SCALE_ONCE("r7", "r9", "r10", "r11", "r8")

#define EB_LEVELS_4_4X2_SUMS EB_LEVELS_4X2_SUMS(EB_LEVELS_4_4X2_LOOP) EB_LEVELS_4X2_APART("4", "8", "12")
#define EB_LEVELS_4_4X1_SUMS                                                                       \
    EB_LEVELS_4_4X1_SUMS_FROM(EB_LEVELS_4X1_ZEROS) EB_LEVELS_4X1_APART("4", "8", "12")

/* Sets the bytes of the unrolled loop to skip: of 4 bits, the first time. */
#define EB_LEVELS_4_READY(t, TILE) EB_LEVELS_4_READY_##TILE(t)
#define EB_LEVELS_4_READY_4X2(t)                                                                   \
    (t)->tile.entry = (0u - (uint32_t)(t)->tile.weight_bytes / 8u) %                               \
                      EB_LEVELS_4_4X2_TURNS * EB_LEVELS_4_4X2_BYTES
#define EB_LEVELS_4_READY_4X1(t) eb_levels_ready_4_4x1(t)

/* Whether a four of taps is to be taken before the loop, and how much of this is to be skipped. */
static inline void eb_levels_ready_4_4x1(eb_tile_levels *t)
{
    const uint32_t fours = (uint32_t)t->tile.weight_bytes / 8u;
    const uint32_t turns = fours > 1u ? (0u - fours / 2u) % EB_LEVELS_4_4X1_TURNS
                                      : EB_LEVELS_4_4X1_TURNS;
    t->more = fours & 1u;
    t->tile.entry = turns * EB_LEVELS_4_4X1_BYTES;
}

#include "eb_tile_level_pairs_arm.h"

/* eb_tile_4x2, eb_tile_4x1 and eb_tile_4x1_once with codes of BITS bits. */
#define EB_LEVELS_TILES(BITS)                                                                      \
    EB_KERNEL void eb_tile_levels_##BITS##_4x2(eb_tile *t)                                         \
    {                                                                                              \
        EB_LEVELS_##BITS##_READY((eb_tile_levels *)(void *)t, 4X2);                                \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_LEVELS_##BITS##_4X2_SUMS                                               \
                         "ldrd lr, r0, [r1, #12]\n"                                                \
                         "cmp r0, #0\n"                                                            \
                         "bne 4f\n"                                                                \
                         EB_LEVELS_4X2_FINISH(EB_TILE_SCALE_UP)                                    \
                         EB_TILE_4X2_STORE                                                         \
                         "b 5f\n"                                                                  \
                         "4:\n"                                                                    \
                         EB_LEVELS_4X2_FINISH(EB_TILE_SCALE)                                       \
                         EB_TILE_4X2_CLAMP("3b")                                                   \
                         "b 3b\n"                                                                  \
                         "5:\n"                                                                    \
                         EB_TILE_4X2_END                                                           \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }                                                                                              \
                                                                                                   \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1(eb_tile *t)                                         \
    {                                                                                              \
        EB_LEVELS_##BITS##_READY((eb_tile_levels *)(void *)t, 4X1);                                \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_LEVELS_##BITS##_4X1_SUMS                                               \
                         "ldr r0, [r2, #48]\n"                                                     \
                         "cbnz r0, 4f\n"                                                           \
                         EB_LEVELS_4X1_FINISH(EB_TILE_SCALE)                                       \
                         "b 5f\n"                                                                  \
                         "4:\n"                                                                    \
                         "ldmia r0, {r9, r10, r11}\n"                                              \
                         EB_LEVELS_4X1_FINISH_ONCE                                                 \
                         "5:\n"                                                                    \
                         EB_TILE_4X1_STORE_FROM(EB_LEVELS_##BITS##_4X1_FRAME)                      \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }                                                                                              \
                                                                                                   \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1_once(eb_tile *t)                                    \
    {                                                                                              \
        EB_LEVELS_##BITS##_READY((eb_tile_levels *)(void *)t, 4X1);                                \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_LEVELS_##BITS##_4X1_SUMS                                               \
                         EB_LEVELS_4X1_FINISH(EB_TILE_SCALE_ONCE)                                  \
                         EB_TILE_4X1_STORE_FROM(EB_LEVELS_##BITS##_4X1_FRAME)                      \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

EB_LEVELS_TILES(4)
EB_LEVELS_TILES(2)
EB_LEVELS_TILES(1)

/* Sums in steps; r12: twice a step. */
#define EB_LEVELS_4_4X2_WHOLE_SUMS                                                                 \
    EB_LEVELS_4X2_SUMS_FROM(EB_LEVELS_4X2_STARTS, EB_LEVELS_4_4X2_LOOP)                            \
    EB_LEVELS_4X2_PARTS("4", "8", "12")                                                            \
    "ldr r12, [r1, #52]\n"

/* eb_tile_levels_4_4x2 where the lowest weight is a whole number of steps. */
EB_KERNEL void eb_tile_levels_4_4x2_whole(eb_tile *t)
{
    EB_LEVELS_4_READY((eb_tile_levels *)(void *)t, 4X2);
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_LEVELS_4_4X2_WHOLE_SUMS
                     "ldrd lr, r0, [r1, #12]\n"
                     "cmp r0, #0\n"
                     "bne 4f\n"
                     EB_LEVELS_4X2_FINISH_ALL(EB_LEVELS_4X2_FINISH_SCALED, EB_TILE_SCALE_UP)
                     EB_TILE_4X2_STORE
                     "b 5f\n"
                     "4:\n"
                     EB_LEVELS_4X2_FINISH_ALL(EB_LEVELS_4X2_FINISH_SCALED, EB_TILE_SCALE)
                     EB_TILE_4X2_CLAMP("3b")
                     "b 3b\n"
                     "5:\n"
                     EB_TILE_4X2_END
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* eb_tile_levels_4_4x1_once where the lowest weight is a whole number of steps. */
EB_KERNEL void eb_tile_levels_4_4x1_once_whole(eb_tile *t)
{
    EB_LEVELS_4_READY((eb_tile_levels *)(void *)t, 4X1);
    register eb_tile *tile __asm__("r0") = t;
    __asm__ volatile(EB_LEVELS_4_4X1_SUMS_FROM(EB_LEVELS_4X1_STARTS)
                     EB_LEVELS_4X1_PARTS("4", "8", "12")
                     "ldr r0, [r2, #52]\n"
                     EB_LEVELS_4X1_FINISH_ALL(EB_LEVELS_4X1_FINISH_SCALED, EB_TILE_SCALE_ONCE)
                     EB_TILE_4X1_STORE_FROM(EB_LEVELS_4_4X1_FRAME)
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* clang-format on */

#include "eb_tile_level_bits_arm.h"

#endif /* EB_TILE_LEVELS_ARM_H */
