/* The tiles of eb_fields.h for cores with the DSP instructions. eb_fields_twin.h is the same in C.
 */
#ifndef EB_FIELDS_ARM_H
#define EB_FIELDS_ARM_H

EB_FIELD_AT(eb_fields_tile, values, 0);
EB_FIELD_AT(eb_fields_tile, weights, 4);
EB_FIELD_AT(eb_fields_tile, weight_bytes, 8);
EB_FIELD_AT(eb_fields_tile, entry, 12);
EB_FIELD_AT(eb_fields_tile, totals, 16);
EB_FIELD_AT(eb_fields_tile, chunks, 64);
EB_FIELD_AT(eb_fields_tile, requant, 68);
EB_FIELD_AT(eb_fields_tile, out, 72);
EB_FIELD_AT(eb_fields_tile, channels, 76);
EB_FIELD_AT(eb_fields_tile, stride, 80);
EB_FIELD_AT(eb_fields_tile, last_stride, 84);
EB_FIELD_AT(eb_fields_tile, twice_step, 88);
EB_FIELD_AT(eb_fields_tile, low, 92);
EB_FIELD_AT(eb_fields_tile, base, 96);

/* sum + the four bytes of a word. */
static inline uint32_t eb_sum_of_bytes(uint32_t word, uint32_t sum)
{
    uint32_t result;
    __asm__("usada8 %0, %1, %2, %3" : "=r"(result) : "r"(word), "r"(0), "r"(sum));
    return result;
}

/* clang-format off */

/* A tap of half a tile, and of a whole one; `place`: how its weights are shifted. */
#define EB_FIELDS_TAP_HALF(place, values)                                                          \
    "and r8, r10, r9" place "\n"                                                                   \
    "umlal r4, r5, " values ", r8\n"
#define EB_FIELDS_TAP(place, values, others)                                                       \
    EB_FIELDS_TAP_HALF(place, values)                                                              \
    "umlal r6, r7, " others ", r8\n"

/* Four taps, and one. */
#define EB_FIELDS_HALF(a, b, c, d)                                                                 \
    "ldmia r12!, {r0, r1, r2, r3}\n"                                                               \
    EB_FIELDS_TAP_HALF(", ror #" a, "r0")                                                          \
    EB_FIELDS_TAP_HALF(", ror #" b, "r1")                                                          \
    EB_FIELDS_TAP_HALF(", ror #" c, "r2")                                                          \
    EB_FIELDS_TAP_HALF(", ror #" d, "r3")
#define EB_FIELDS_HALF_ONE                                                                         \
    "ldr r0, [r12], #4\n"                                                                          \
    EB_FIELDS_TAP_HALF("", "r0")
#define EB_FIELDS_WHOLE(a, b, c, d)                                                                \
    "ldmia r12!, {r0, r1, r2, r3}\n"                                                               \
    EB_FIELDS_TAP(", ror #" a, "r0", "r1")                                                         \
    EB_FIELDS_TAP(", ror #" b, "r2", "r3")                                                         \
    "ldmia r12!, {r0, r1, r2, r3}\n"                                                               \
    EB_FIELDS_TAP(", ror #" c, "r0", "r1")                                                         \
    EB_FIELDS_TAP(", ror #" d, "r2", "r3")
#define EB_FIELDS_WHOLE_ONE                                                                        \
    "ldrd r0, r1, [r12], #8\n"                                                                     \
    EB_FIELDS_TAP("", "r0", "r1")
#define EB_FIELDS_HALF_BYTES 36u
#define EB_FIELDS_WHOLE_BYTES 56u
#define EB_FIELDS_HALF_ONE_BYTES 12u
#define EB_FIELDS_WHOLE_ONE_BYTES 16u

/* A word of weights. */
#define EB_FIELDS_SIX_2_STEP(TAPS)                                                                 \
    "ldr r9, [lr], #4\n"                                                                           \
    TAPS##_ONE                                                                                     \
    TAPS("2", "4", "6", "8")
#define EB_FIELDS_FOUR_2_STEP(TAPS)                                                                \
    "ldr r9, [lr], #4\n"                                                                           \
    TAPS("4", "6", "12", "14")                                                                     \
    TAPS("20", "22", "28", "30")
#define EB_FIELDS_FOUR_4_STEP(TAPS)                                                                \
    "ldr r9, [lr], #4\n"                                                                           \
    TAPS("4", "12", "20", "28")

/* The most words between additions to the totals, and of those the ones that are unrolled. */
#define EB_FIELDS_SIX_2_LOOP(TAPS)                                                                 \
    EB_FIELDS_SIX_2_STEP(TAPS) EB_FIELDS_SIX_2_STEP(TAPS)                                          \
    EB_FIELDS_SIX_2_STEP(TAPS) EB_FIELDS_SIX_2_STEP(TAPS)
#define EB_FIELDS_SIX_2_TURNS 4u
#define EB_FIELDS_SIX_2_CHUNKS 5u
#define EB_FIELDS_FOUR_2_LOOP(TAPS)                                                                \
    EB_FIELDS_FOUR_2_STEP(TAPS) EB_FIELDS_FOUR_2_STEP(TAPS)
#define EB_FIELDS_FOUR_2_TURNS 2u
#define EB_FIELDS_FOUR_2_CHUNKS 4u
#define EB_FIELDS_FOUR_4_LOOP(TAPS)                                                                \
    EB_FIELDS_FOUR_4_STEP(TAPS) EB_FIELDS_FOUR_4_STEP(TAPS)                                        \
    EB_FIELDS_FOUR_4_STEP(TAPS) EB_FIELDS_FOUR_4_STEP(TAPS)
#define EB_FIELDS_FOUR_4_TURNS 4u
#define EB_FIELDS_FOUR_4_CHUNKS 4u

/* All up to the loop; r11: turns of it before the totals; on the stack, where the weights end, and
 * t. CLEAR: sets the totals to 0. */
#define EB_FIELDS_CLEAR                                                                            \
    "add r11, r0, #16\n"                                                                           \
    "stmia r11!, {r4, r5, r6, r7}\n"                                                               \
    "stmia r11!, {r4, r5, r6, r7}\n"                                                               \
    "stmia r11, {r4, r5, r6, r7}\n"
#define EB_FIELDS_BEGIN(mask_low, mask_high, CLEAR)                                                \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #12\n"                                                                            \
    "1:\n"                                                                                         \
    "ldmia r0, {r1, r2, r3}\n"                                                                     \
    "mov r12, r1\n"                                                                                \
    "mov lr, r2\n"                                                                                 \
    "add r2, r2, r3\n"                                                                             \
    "strd r2, r0, [sp]\n"                                                                          \
    "str r2, [r0, #4]\n"                                                                           \
    "movw r10, #" mask_low "\n"                                                                    \
    "movt r10, #" mask_high "\n"                                                                   \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    CLEAR                                                                                          \
    "ldr r11, [r0, #64]\n"                                                                        \
    "ldr r2, [r0, #12]\n"                                                                          \
    "add pc, r2\n"                                                                                 \
    "nop\n"                                                                                        \
    "2:\n"

/* A field of a register of values, to a total. */
#define EB_FIELDS_ADD(total, register, place, bits)                                                \
    "ubfx r3, " register ", #" place ", #" bits "\n"                                               \
    "add " total ", " total ", r3\n"

/* Six fields of 10 bits each. */
#define EB_FIELDS_SIX_TOTALS_OF(low, high)                                                         \
    "ldmia r11, {r0, r1, r2}\n"                                                                    \
    EB_FIELDS_ADD("r0", low, "0", "10")                                                            \
    EB_FIELDS_ADD("r1", low, "10", "10")                                                           \
    EB_FIELDS_ADD("r2", low, "20", "10")                                                           \
    "stmia r11!, {r0, r1, r2}\n"                                                                   \
    "ldmia r11, {r0, r1, r2}\n"                                                                    \
    "add r0, r0, " low ", lsr #30\n"                                                               \
    "ubfx r3, " high ", #0, #8\n"                                                                  \
    "add r0, r0, r3, lsl #2\n"                                                                     \
    EB_FIELDS_ADD("r1", high, "8", "10")                                                           \
    EB_FIELDS_ADD("r2", high, "18", "10")                                                          \
    "stmia r11!, {r0, r1, r2}\n"
#define EB_FIELDS_SIX_TOTALS                                                                       \
    EB_FIELDS_SIX_TOTALS_OF("r4", "r5")                                                            \
    EB_FIELDS_SIX_TOTALS_OF("r6", "r7")                                                            \
    "sub r11, r11, #48\n"

/* Four fields of 14 bits each. */
#define EB_FIELDS_FOUR_TOTALS_OF(low, high, place0, place2)                                        \
    "ldrd r0, r1, [r11, #" place0 "]\n"                                                            \
    "ubfx r2, " low ", #0, #14\n"                                                                  \
    "ubfx r3, " low ", #14, #14\n"                                                                 \
    "add r0, r0, r2\n"                                                                             \
    "add r1, r1, r3\n"                                                                             \
    "strd r0, r1, [r11, #" place0 "]\n"                                                            \
    "ldrd r0, r1, [r11, #" place2 "]\n"                                                            \
    "lsr r2, " low ", #28\n"                                                                       \
    "ubfx r3, " high ", #0, #10\n"                                                                 \
    "add r2, r2, r3, lsl #4\n"                                                                     \
    "ubfx r3, " high ", #10, #14\n"                                                                \
    "add r0, r0, r2\n"                                                                             \
    "add r1, r1, r3\n"                                                                             \
    "strd r0, r1, [r11, #" place2 "]\n"
#define EB_FIELDS_FOUR_TOTALS                                                                      \
    EB_FIELDS_FOUR_TOTALS_OF("r4", "r5", "0", "8")                                                 \
    EB_FIELDS_FOUR_TOTALS_OF("r6", "r7", "16", "24")

/* The same where all taps are in them: they are the totals. */
#define EB_FIELDS_FOUR_ONCE_OF(low, high, place0, place2)                                          \
    "ubfx r2, " low ", #0, #14\n"                                                                  \
    "ubfx r3, " low ", #14, #14\n"                                                                 \
    "strd r2, r3, [r11, #" place0 "]\n"                                                            \
    "lsr r2, " low ", #28\n"                                                                       \
    "ubfx r3, " high ", #0, #10\n"                                                                 \
    "add r2, r2, r3, lsl #4\n"                                                                     \
    "ubfx r3, " high ", #10, #14\n"                                                                \
    "strd r2, r3, [r11, #" place2 "]\n"
#define EB_FIELDS_FOUR_ONCE                                                                        \
    EB_FIELDS_FOUR_ONCE_OF("r4", "r5", "0", "8")                                                   \
    EB_FIELDS_FOUR_ONCE_OF("r6", "r7", "16", "24")

/* Goes on with the next chunk before the totals; r11: where these lie. */
#define EB_FIELDS_NEXT                                                                             \
    "subs r11, r11, #1\n"                                                                          \
    "bne.w 2b\n"                                                                                   \
    "ldr r11, [sp, #4]\n"                                                                          \
    "add r11, r11, #16\n"

#define EB_FIELDS_END(chunks)                                                                      \
    "movs r4, #0\n"                                                                                \
    "movs r5, #0\n"                                                                                \
    "movs r6, #0\n"                                                                                \
    "movs r7, #0\n"                                                                                \
    "mov r11, #" chunks "\n"                                                                       \
    "ldr r0, [sp]\n"                                                                               \
    "cmp lr, r0\n"                                                                                 \
    "bne.w 2b\n"
#define EB_FIELDS_SIX_END EB_FIELDS_END("5")
#define EB_FIELDS_FOUR_END EB_FIELDS_END("4")

/* The output of a pixel, whose total and base lie there; r1: where it is written. */
#define EB_FIELDS_OUTPUT(total, base, BITS)                                                        \
    "ldr r9, [r11, #" total "]\n"                                                                  \
    "ldr r10, [r0, #" base "]\n"                                                                   \
    "add r10, r10, r5\n"                                                                           \
    "mla r9, r9, r3, r10\n"                                                                        \
    "smmlar r10, r9, r6, r7\n"                                                                     \
    "add r10, r10, r9, asr #31\n"                                                                  \
    "asr r10, r10, r8\n"                                                                           \
    "usat r10, #" BITS ", r10\n"                                                                   \
    "add r10, r10, r4\n"                                                                           \
    "strb r10, [r1]\n"

/* The outputs of a channel of all pixels; after the last channel there is nothing more. */
#define EB_FIELDS_CHANNEL                                                                          \
    "ldmia r12!, {r5, r6, r7, r8}\n"                                                               \
    "ldrd r1, r9, [r0, #72]\n"                                                                     \
    "add r10, r1, #1\n"                                                                            \
    "subs r9, r9, #1\n"                                                                            \
    "strd r10, r9, [r0, #72]\n"
#define EB_FIELDS_FINISH_HALF(a, b, c, d, BITS)                                                    \
    EB_FIELDS_CHANNEL                                                                              \
    EB_FIELDS_OUTPUT(a, "96", BITS)                                                                \
    "add r1, r1, lr\n"                                                                             \
    EB_FIELDS_OUTPUT(b, "100", BITS)                                                               \
    "beq.w 9f\n"
#define EB_FIELDS_FINISH_WHOLE(a, b, c, d, BITS)                                                   \
    EB_FIELDS_CHANNEL                                                                              \
    EB_FIELDS_OUTPUT(a, "96", BITS)                                                                \
    "add r1, r1, r2\n"                                                                             \
    EB_FIELDS_OUTPUT(b, "100", BITS)                                                               \
    "add r1, r1, r2\n"                                                                             \
    EB_FIELDS_OUTPUT(c, "104", BITS)                                                               \
    "add r1, r1, lr\n"                                                                             \
    EB_FIELDS_OUTPUT(d, "108", BITS)                                                               \
    "beq.w 9f\n"
/* In turn, that all of the tile fits a kilobyte, which caches of flash have for code. */
#define EB_FIELDS_SIX_FINISH(FINISH, BITS)                                                         \
    "8:\n"                                                                                         \
    FINISH("0", "12", "24", "36", BITS)                                                            \
    "add r11, r11, #4\n"                                                                           \
    "sub r9, r11, r0\n"                                                                            \
    "cmp r9, #28\n"                                                                                \
    "bne.w 8b\n"
#define EB_FIELDS_FOUR_FINISH(FINISH, BITS)                                                        \
    FINISH("0", "4", "16", "20", BITS)                                                             \
    FINISH("8", "12", "24", "28", BITS)

/* The outputs of the tile; on with the next channels. */
#define EB_FIELDS_OUTPUTS(KIND, TAPS, BITS)                                                        \
    "ldr r0, [sp, #4]\n"                                                                           \
    "add r11, r0, #16\n"                                                                           \
    "ldr r12, [r0, #68]\n"                                                                         \
    "ldrd r2, lr, [r0, #80]\n"                                                                     \
    "ldrd r3, r4, [r0, #88]\n"                                                                     \
    EB_FIELDS_##KIND##_FINISH(EB_FIELDS_FINISH_##TAPS, BITS)                                       \
    "str r12, [r0, #68]\n"                                                                         \
    "b.w 1b\n"                                                                                     \
    "9:\n"                                                                                         \
    "add sp, sp, #12\n"                                                                            \
    "pop {r4-r11, lr}\n"

/* All up to the totals, which are a sum of fields, or the fields of one sum. */
#define EB_FIELDS_MANY(TAPS, KIND, WIDTH, mask_low, mask_high)                                     \
    EB_FIELDS_BEGIN(mask_low, mask_high, EB_FIELDS_CLEAR)                                          \
    EB_FIELDS_##KIND##_##WIDTH##_LOOP(EB_FIELDS_##TAPS)                                            \
    EB_FIELDS_NEXT                                                                                 \
    EB_FIELDS_##KIND##_TOTALS                                                                      \
    EB_FIELDS_##KIND##_END
#define EB_FIELDS_ONCE(TAPS, KIND, WIDTH, mask_low, mask_high)                                     \
    EB_FIELDS_BEGIN(mask_low, mask_high, "")                                                       \
    EB_FIELDS_##KIND##_##WIDTH##_LOOP(EB_FIELDS_##TAPS)                                            \
    EB_FIELDS_NEXT                                                                                 \
    EB_FIELDS_##KIND##_ONCE

/* name: of the function; TAPS: HALF or WHOLE; KIND: SIX or FOUR; STEP_BYTES: of the taps of a step;
 * SUMS: one of the two above; OUTPUTS: what makes outputs of the totals. */
#define EB_FIELDS_FUNCTION(name, TAPS, KIND, WIDTH, STEP_BYTES, SUMS, OUTPUTS)                     \
    EB_KERNEL void name(eb_fields_tile *t)                                                         \
    {                                                                                              \
        const uint32_t words = t->weight_bytes / 4u;                                               \
        const uint32_t steps = EB_FIELDS_##KIND##_##WIDTH##_TURNS;                                 \
        const uint32_t chunks = EB_FIELDS_##KIND##_##WIDTH##_CHUNKS;                               \
        t->entry = (steps - words % steps) % steps * (4u + (STEP_BYTES));                          \
        t->chunks = ((words + steps - 1u) / steps - 1u) % chunks + 1u;                             \
        register eb_fields_tile *tile __asm__("r0") = t;                                           \
        __asm__ volatile(SUMS                                                                      \
                         OUTPUTS                                                                   \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

#define EB_FIELDS_SIX_BYTES(TAPS) (EB_FIELDS_##TAPS##_BYTES + EB_FIELDS_##TAPS##_ONE_BYTES)
#define EB_FIELDS_SIX_2(name, TAPS, SUMS, OUTPUTS)                                                 \
    EB_FIELDS_FUNCTION(name, TAPS, SIX, 2, EB_FIELDS_SIX_BYTES(TAPS),                              \
                       SUMS(TAPS, SIX, 2, "0x0c03", "0x0030"), OUTPUTS)
#define EB_FIELDS_FOUR_2(name, TAPS, SUMS, OUTPUTS)                                                \
    EB_FIELDS_FUNCTION(name, TAPS, FOUR, 2, 2u * EB_FIELDS_##TAPS##_BYTES,                         \
                       SUMS(TAPS, FOUR, 2, "0x0003", "0x3000"), OUTPUTS)
#define EB_FIELDS_FOUR_4(name, TAPS, SUMS, OUTPUTS)                                                \
    EB_FIELDS_FUNCTION(name, TAPS, FOUR, 4, EB_FIELDS_##TAPS##_BYTES,                              \
                       SUMS(TAPS, FOUR, 4, "0x000f", "0xf000"), OUTPUTS)

/* Outputs of BITS bits as bytes. */
#define EB_FIELDS_TILES(BITS)                                                                      \
    EB_FIELDS_SIX_2(eb_fields_six_2_to_##BITS, WHOLE, EB_FIELDS_MANY, EB_FIELDS_OUTPUTS(SIX, WHOLE, #BITS)) \
    EB_FIELDS_SIX_2(eb_fields_six_2_half_to_##BITS, HALF, EB_FIELDS_MANY, EB_FIELDS_OUTPUTS(SIX, HALF, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_to_##BITS, WHOLE, EB_FIELDS_MANY, EB_FIELDS_OUTPUTS(FOUR, WHOLE, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_half_to_##BITS, HALF, EB_FIELDS_MANY, EB_FIELDS_OUTPUTS(FOUR, HALF, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_to_##BITS, WHOLE, EB_FIELDS_MANY, EB_FIELDS_OUTPUTS(FOUR, WHOLE, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_half_to_##BITS, HALF, EB_FIELDS_MANY, EB_FIELDS_OUTPUTS(FOUR, HALF, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_once_to_##BITS, WHOLE, EB_FIELDS_ONCE, EB_FIELDS_OUTPUTS(FOUR, WHOLE, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_once_half_to_##BITS, HALF, EB_FIELDS_ONCE, EB_FIELDS_OUTPUTS(FOUR, HALF, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_once_to_##BITS, WHOLE, EB_FIELDS_ONCE, EB_FIELDS_OUTPUTS(FOUR, WHOLE, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_once_half_to_##BITS, HALF, EB_FIELDS_ONCE, EB_FIELDS_OUTPUTS(FOUR, HALF, #BITS))

EB_FIELDS_TILES(1)
EB_FIELDS_TILES(2)
EB_FIELDS_TILES(3)
EB_FIELDS_TILES(4)
EB_FIELDS_TILES(8)

/* clang-format on */

#include "eb_fields_nibbles_arm.h"

#endif /* EB_FIELDS_ARM_H */
