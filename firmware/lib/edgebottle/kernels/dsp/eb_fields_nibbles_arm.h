/* The tiles of eb_fields.h of two channels whose outputs are stored with 4 bits: a byte for each
 * pixel. eb_fields_twin.h is the same in C.
 *
 * Their lowest value is the zero point, so that rounding half up is as good as away from zero: no
 * output below it is moved above it.
 */
#ifndef EB_FIELDS_NIBBLES_ARM_H
#define EB_FIELDS_NIBBLES_ARM_H

/* clang-format off */

/* The outputs of two pixels of a channel in r9 and r10, from totals and bases that lie there. */
#define EB_FIELDS_NIBBLES(totals, bases, BITS)                                                     \
    "ldrd r9, r10, [r0, #" totals "]\n"                                                            \
    "ldrd r11, r4, [r0, #" bases "]\n"                                                             \
    "add r11, r11, r5\n"                                                                           \
    "add r4, r4, r5\n"                                                                             \
    "mla r9, r9, r3, r11\n"                                                                        \
    "mla r10, r10, r3, r4\n"                                                                       \
    "smmlar r9, r9, r6, r7\n"                                                                      \
    "smmlar r10, r10, r6, r7\n"                                                                    \
    "asr r9, r9, r8\n"                                                                             \
    "asr r10, r10, r8\n"                                                                           \
    "usat r9, #" BITS ", r9\n"                                                                     \
    "usat r10, #" BITS ", r10\n"

/* Stores them at r1 and `next` bytes behind: of the first channel, and over those of the second. */
#define EB_FIELDS_NIBBLES_LOW(next)                                                                \
    "strb r9, [r1]\n"                                                                              \
    "strb r10, [r1, " next "]\n"
#define EB_FIELDS_NIBBLES_HIGH(next)                                                               \
    "ldrb r11, [r1]\n"                                                                             \
    "orr r9, r11, r9, lsl #4\n"                                                                    \
    "strb r9, [r1]\n"                                                                              \
    "ldrb r11, [r1, " next "]\n"                                                                   \
    "orr r10, r11, r10, lsl #4\n"                                                                  \
    "strb r10, [r1, " next "]\n"

/* A channel of all pixels. */
#define EB_FIELDS_NIBBLES_WHOLE(first, second, STORE, BITS)                                        \
    EB_FIELDS_NIBBLES(first, "96", BITS)                                                           \
    STORE("r2")                                                                                    \
    "add r1, r1, r2, lsl #1\n"                                                                     \
    EB_FIELDS_NIBBLES(second, "104", BITS)                                                         \
    STORE("lr")
#define EB_FIELDS_NIBBLES_HALF(first, second, STORE, BITS)                                         \
    EB_FIELDS_NIBBLES(first, "96", BITS)                                                           \
    STORE("lr")

/* The outputs of the tile; on with the next channels. */
#define EB_FIELDS_NIBBLES_OUTPUTS(TAPS, BITS)                                                      \
    "ldr r0, [sp, #4]\n"                                                                           \
    "ldr r12, [r0, #68]\n"                                                                         \
    "ldrd r2, lr, [r0, #80]\n"                                                                     \
    "ldr r3, [r0, #88]\n"                                                                          \
    "ldmia r12!, {r5, r6, r7, r8}\n"                                                               \
    "ldrd r1, r9, [r0, #72]\n"                                                                     \
    "subs r9, r9, #1\n"                                                                            \
    "str r9, [r0, #76]\n"                                                                          \
    EB_FIELDS_NIBBLES_##TAPS("16", "32", EB_FIELDS_NIBBLES_LOW, BITS)                              \
    "beq.w 9f\n"                                                                                   \
    EB_FIELDS_CHANNEL                                                                              \
    EB_FIELDS_NIBBLES_##TAPS("24", "40", EB_FIELDS_NIBBLES_HIGH, BITS)                             \
    "beq.w 9f\n"                                                                                   \
    "str r12, [r0, #68]\n"                                                                         \
    "b.w 1b\n"                                                                                     \
    "9:\n"                                                                                         \
    "add sp, sp, #12\n"                                                                            \
    "pop {r4-r11, lr}\n"

/* Outputs of BITS bits. */
#define EB_FIELDS_NIBBLES_TILES(BITS)                                                              \
    EB_FIELDS_FOUR_2(eb_fields_four_2_nibbles_##BITS, WHOLE, EB_FIELDS_MANY, EB_FIELDS_NIBBLES_OUTPUTS(WHOLE, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_half_nibbles_##BITS, HALF, EB_FIELDS_MANY, EB_FIELDS_NIBBLES_OUTPUTS(HALF, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_nibbles_##BITS, WHOLE, EB_FIELDS_MANY, EB_FIELDS_NIBBLES_OUTPUTS(WHOLE, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_half_nibbles_##BITS, HALF, EB_FIELDS_MANY, EB_FIELDS_NIBBLES_OUTPUTS(HALF, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_once_nibbles_##BITS, WHOLE, EB_FIELDS_ONCE, EB_FIELDS_NIBBLES_OUTPUTS(WHOLE, #BITS)) \
    EB_FIELDS_FOUR_2(eb_fields_four_2_once_half_nibbles_##BITS, HALF, EB_FIELDS_ONCE, EB_FIELDS_NIBBLES_OUTPUTS(HALF, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_once_nibbles_##BITS, WHOLE, EB_FIELDS_ONCE, EB_FIELDS_NIBBLES_OUTPUTS(WHOLE, #BITS)) \
    EB_FIELDS_FOUR_4(eb_fields_four_4_once_half_nibbles_##BITS, HALF, EB_FIELDS_ONCE, EB_FIELDS_NIBBLES_OUTPUTS(HALF, #BITS))

EB_FIELDS_NIBBLES_TILES(4)
EB_FIELDS_NIBBLES_TILES(3)

/* clang-format on */

#endif /* EB_FIELDS_NIBBLES_ARM_H */
