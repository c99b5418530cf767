/* The tiles of eb_tile_s8.h whose outputs have few bits, for cores with the DSP instructions.
 * eb_tile_s8_twin.h is the same in C.
 *
 * Outputs saturate to their bits, and are joined and stored so: that takes no instruction more than
 * bytes do. What ends in TO_3 has 3 bits and is stored with 4.
 */
#ifndef EB_TILE_BITS_ARM_H
#define EB_TILE_BITS_ARM_H

/* clang-format off */

/* EB_TILE_SCALE and EB_TILE_SCALE_UP to outputs of so many bits. */
#define EB_TILE_SCALE_BITS(sum, multiplier, added, places, spare, bits)                            \
    "smmlar " spare ", " sum ", " multiplier ", " added "\n"                                       \
    "add " sum ", " spare ", " sum ", asr #31\n"                                                   \
    "asr " sum ", " sum ", " places "\n"                                                           \
    "usat " sum ", #" bits ", " sum "\n"
#define EB_TILE_SCALE_BITS_UP(sum, multiplier, added, places, bits)                                \
    "smmlar " sum ", " sum ", " multiplier ", " added "\n"                                         \
    "asr " sum ", " sum ", " places "\n"                                                           \
    "usat " sum ", #" bits ", " sum "\n"
#define EB_TILE_SCALE_TO_4(sum, m, added, places, spare) EB_TILE_SCALE_BITS(sum, m, added, places, spare, "4")
#define EB_TILE_SCALE_TO_3(sum, m, added, places, spare) EB_TILE_SCALE_BITS(sum, m, added, places, spare, "3")
#define EB_TILE_SCALE_TO_2(sum, m, added, places, spare) EB_TILE_SCALE_BITS(sum, m, added, places, spare, "2")
#define EB_TILE_SCALE_TO_1(sum, m, added, places, spare) EB_TILE_SCALE_BITS(sum, m, added, places, spare, "1")
#define EB_TILE_SCALE_UP_TO_4(sum, m, added, places, spare) EB_TILE_SCALE_BITS_UP(sum, m, added, places, "4")
#define EB_TILE_SCALE_UP_TO_3(sum, m, added, places, spare) EB_TILE_SCALE_BITS_UP(sum, m, added, places, "3")
#define EB_TILE_SCALE_UP_TO_2(sum, m, added, places, spare) EB_TILE_SCALE_BITS_UP(sum, m, added, places, "2")
#define EB_TILE_SCALE_UP_TO_1(sum, m, added, places, spare) EB_TILE_SCALE_BITS_UP(sum, m, added, places, "1")

/* EB_TILE_JOIN of as many bits. */
#define EB_TILE_JOIN_BITS(a, b, c, d, once, twice, thrice)                                         \
    "bfi " a ", " b ", #" once ", #" once "\n"                                                     \
    "bfi " a ", " c ", #" twice ", #" once "\n"                                                    \
    "bfi " a ", " d ", #" thrice ", #" once "\n"
#define EB_TILE_JOIN_TO_4(a, b, c, d) EB_TILE_JOIN_BITS(a, b, c, d, "4", "8", "12")
#define EB_TILE_JOIN_TO_3(a, b, c, d) EB_TILE_JOIN_TO_4(a, b, c, d)
#define EB_TILE_JOIN_TO_2(a, b, c, d) EB_TILE_JOIN_BITS(a, b, c, d, "2", "4", "6")
#define EB_TILE_JOIN_TO_1(a, b, c, d) EB_TILE_JOIN_BITS(a, b, c, d, "1", "2", "3")

/* For EB_TILE_4X2_STORE_BY. Of 1 bit, an odd number of fours to do means that the last one is in
 * the lower half of the byte. */
#define EB_TILE_4X2_STORE_TO_4                                                                     \
    "strh r5, [r1, r2]\n"                                                                          \
    "strh r4, [r1], #2\n"
#define EB_TILE_4X2_STORE_TO_3 EB_TILE_4X2_STORE_TO_4
#define EB_TILE_4X2_STORE_TO_2                                                                     \
    "strb r5, [r1, r2]\n"                                                                          \
    "strb r4, [r1], #1\n"
#define EB_TILE_4X2_STORE_TO_1                                                                     \
    "lsls r6, r3, #31\n"                                                                           \
    "itttt ne\n"                                                                                   \
    "ldrbne r6, [r1]\n"                                                                            \
    "orrne r4, r6, r4, lsl #4\n"                                                                   \
    "ldrbne r6, [r1, r2]\n"                                                                        \
    "orrne r5, r6, r5, lsl #4\n"                                                                   \
    "strb r5, [r1, r2]\n"                                                                          \
    "strb r4, [r1]\n"                                                                              \
    "it ne\n"                                                                                      \
    "addne r1, r1, #1\n"

/* The same of a pixel; r2: fours of channels to do. */
#define EB_TILE_4X1_STORE_TO_4 "strh r4, [r1], #2\n"
#define EB_TILE_4X1_STORE_TO_3 EB_TILE_4X1_STORE_TO_4
#define EB_TILE_4X1_STORE_TO_2 "strb r4, [r1], #1\n"
#define EB_TILE_4X1_STORE_TO_1                                                                     \
    "lsls r6, r2, #31\n"                                                                           \
    "itt ne\n"                                                                                     \
    "ldrbne r6, [r1]\n"                                                                            \
    "orrne r4, r6, r4, lsl #4\n"                                                                   \
    "strb r4, [r1]\n"                                                                              \
    "it ne\n"                                                                                      \
    "addne r1, r1, #1\n"

/* After the sums of two pixels: OUTPUTS(SCALE), and the end of the tile; r1: t. a0 .. d0, a1 .. d1:
 * where the outputs of four channels are; a0, a1 are r4, r5. */
#define EB_TILE_4X2_BITS(BITS, OUTPUTS, b0, c0, d0, b1, c1, d1)                                    \
    "ldrd lr, r0, [r1, #12]\n"                                                                     \
    "cmp r0, #0\n"                                                                                 \
    "bne 4f\n"                                                                                     \
    OUTPUTS(EB_TILE_SCALE_UP_TO_##BITS)                                                            \
    "b 5f\n"                                                                                       \
    "4:\n"                                                                                         \
    OUTPUTS(EB_TILE_SCALE_TO_##BITS)                                                               \
    "5:\n"                                                                                         \
    EB_TILE_JOIN_TO_##BITS("r4", b0, c0, d0)                                                       \
    EB_TILE_JOIN_TO_##BITS("r5", b1, c1, d1)                                                       \
    EB_TILE_4X2_STORE_BY(EB_TILE_4X2_STORE_TO_##BITS)                                              \
    EB_TILE_4X2_END

/* After the outputs of a pixel in r4, r6, r5, r7; frame: bytes on the stack. */
#define EB_TILE_4X1_BITS(BITS, frame)                                                              \
    EB_TILE_JOIN_TO_##BITS("r4", "r6", "r5", "r7")                                                 \
    "ldr r0, [sp]\n"                                                                               \
    "str lr, [r0, #12]\n"                                                                          \
    "ldrd r1, r2, [r0, #20]\n"                                                                     \
    "mov lr, r3\n"                                                                                 \
    EB_TILE_4X1_STORE_TO_##BITS                                                                    \
    "subs r2, #1\n"                                                                                \
    "strd r1, r2, [r0, #20]\n"                                                                     \
    "bne 1b\n"                                                                                     \
    "str lr, [r0, #44]\n"                                                                          \
    "add sp, sp, #" frame "\n"                                                                             \
    "pop {r4-r11, lr}\n"

/* eb_tile_4x2 and eb_tile_4x1 with outputs of BITS bits. */
#define EB_TILES_TO(BITS, PAIR, SINGLE)                                                            \
    EB_KERNEL void PAIR(eb_tile *t)                                                                \
    {                                                                                              \
        const uint32_t steps = (uint32_t)t->weight_bytes / 8u;                                     \
        t->entry = (0u - steps) % EB_STEPS_TILE_4X2 * EB_TILE_4X2_STEP_BYTES;                      \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_TILE_4X2_SUMS                                                          \
                         EB_TILE_4X2_BITS(BITS, EB_TILE_4X2_LANES, "r8", "r6", "r10", "r9", "r7",  \
                                          "r11")                                                   \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }                                                                                              \
                                                                                                   \
    EB_KERNEL void SINGLE(eb_tile *t)                                                              \
    {                                                                                              \
        const uint32_t steps = (uint32_t)t->weight_bytes / 16u;                                    \
        t->entry = (0u - steps) % EB_STEPS_TILE_4X1 * EB_TILE_4X1_STEP_BYTES;                      \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_TILE_4X1_SUMS                                                          \
                         EB_TILE_4X1_FINISH(EB_TILE_SCALE_TO_##BITS, "r4", "r6")                   \
                         EB_TILE_4X1_FINISH(EB_TILE_SCALE_TO_##BITS, "r5", "r7")                   \
                         EB_TILE_4X1_BITS(BITS, "4")                                                    \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

EB_TILES_TO(4, eb_tile_4x2_to_4, eb_tile_4x1_to_4)
EB_TILES_TO(3, eb_tile_4x2_to_3, eb_tile_4x1_to_3)
EB_TILES_TO(2, eb_tile_4x2_to_2, eb_tile_4x1_to_2)
EB_TILES_TO(1, eb_tile_4x2_to_1, eb_tile_4x1_to_1)

/* clang-format on */

#endif /* EB_TILE_BITS_ARM_H */
