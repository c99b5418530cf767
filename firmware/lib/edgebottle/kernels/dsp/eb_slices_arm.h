/* The counters of eb_slices.h for cores with the DSP instructions. eb_slices_twin.h is the same in
 * C.
 */
#ifndef EB_SLICES_ARM_H
#define EB_SLICES_ARM_H

EB_FIELD_AT(eb_slices_tile, slices, 0);
EB_FIELD_AT(eb_slices_tile, weights, 44);
EB_FIELD_AT(eb_slices_tile, window, 48);
EB_FIELD_AT(eb_slices_tile, halves, 52);

/* clang-format off */

/* The words of two taps where their values, bits of r1, are 1, and else 0. */
#define EB_SLICES_LOAD(a, b, first, second)                                                        \
    "ldrd " a ", " b ", [r0], #8\n"                                                                \
    "sbfx r8, r1, #" first ", #1\n"                                                                \
    "and " a ", " a ", r8\n"                                                                       \
    "sbfx r8, r1, #" second ", #1\n"                                                               \
    "and " b ", " b ", r8\n"

/* A full adder: two words to a slice; what is carried to the next slice, in a. */
#define EB_SLICES_ADD(slice, a, b)                                                                 \
    "eor r8, " slice ", " a "\n"                                                                   \
    "and " a ", " slice ", " a "\n"                                                                \
    "eor " slice ", r8, " b "\n"                                                                   \
    "and r8, r8, " b "\n"                                                                          \
    "orr " a ", " a ", r8\n"
#define EB_SLICES_TWO(a, first, second)                                                            \
    EB_SLICES_LOAD(a, "r7", first, second)                                                         \
    EB_SLICES_ADD("r2", a, "r7")

/* Half an adder: a carried word to a slice; what is carried on. */
#define EB_SLICES_CARRY(slice, word, next)                                                         \
    "and " next ", " slice ", " word "\n"                                                          \
    "eor " slice ", " slice ", " word "\n"

/* Sixteen taps, to slices r2..r5; r6: carried to the next one. */
#define EB_SLICES_HALF                                                                             \
    EB_SLICES_TWO("r6", "0", "1")                                                                  \
    EB_SLICES_TWO("r9", "2", "3")                                                                  \
    EB_SLICES_ADD("r3", "r6", "r9")                                                                \
    EB_SLICES_TWO("r9", "4", "5")                                                                  \
    EB_SLICES_TWO("r10", "6", "7")                                                                 \
    EB_SLICES_ADD("r3", "r9", "r10")                                                               \
    EB_SLICES_ADD("r4", "r6", "r9")                                                                \
    EB_SLICES_TWO("r9", "8", "9")                                                                  \
    EB_SLICES_TWO("r10", "10", "11")                                                               \
    EB_SLICES_ADD("r3", "r9", "r10")                                                               \
    EB_SLICES_TWO("r10", "12", "13")                                                               \
    EB_SLICES_TWO("r11", "14", "15")                                                               \
    EB_SLICES_ADD("r3", "r10", "r11")                                                              \
    EB_SLICES_ADD("r4", "r9", "r10")                                                               \
    EB_SLICES_ADD("r5", "r6", "r9")

/* The other slices are in memory, from r12 on; the two highest are reached by large sums only. */
#define EB_SLICES_REST                                                                             \
    "ldmia r12, {r7, r8, r9, r10, r11}\n"                                                          \
    EB_SLICES_CARRY("r7", "r6", "r1")                                                              \
    EB_SLICES_CARRY("r8", "r1", "r6")                                                              \
    EB_SLICES_CARRY("r9", "r6", "r1")                                                              \
    EB_SLICES_CARRY("r10", "r1", "r6")                                                             \
    EB_SLICES_CARRY("r11", "r6", "r1")                                                             \
    "stmia r12, {r7, r8, r9, r10, r11}\n"                                                          \
    "cbz r1, 2f\n"                                                                                 \
    "ldrd r7, r8, [r12, #20]\n"                                                                    \
    EB_SLICES_CARRY("r7", "r1", "r6")                                                              \
    "eor r8, r8, r6\n"                                                                             \
    "strd r7, r8, [r12, #20]\n"                                                                    \
    "2:\n"

/* Adds a window to the counters of 32 channels. */
EB_KERNEL void eb_slices_count(eb_slices_tile *t)
{
    register eb_slices_tile *tile __asm__("r0") = t;
    __asm__ volatile("push {r4-r11, lr}\n"
                     "sub sp, sp, #4\n" /* where the window ends */
                     "ldrd lr, r1, [r0, #48]\n"
                     "add r1, lr, r1, lsl #1\n"
                     "str r1, [sp]\n"
                     "add r12, r0, #16\n"
                     "ldr r6, [r0, #44]\n"
                     "ldmia r0, {r2, r3, r4, r5}\n"
                     "mov r0, r6\n"
                     "1:\n"
                     "ldrh r1, [lr], #2\n"
                     EB_SLICES_HALF
                     EB_SLICES_REST
                     "ldr r6, [sp]\n"
                     "cmp lr, r6\n"
                     "bne.w 1b\n"
                     "sub r12, r12, #16\n"
                     "stmia r12, {r2, r3, r4, r5}\n"
                     "str r0, [r12, #44]\n"
                     "add sp, sp, #4\n"
                     "pop {r4-r11, lr}\n"
                     : "+r"(tile)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* clang-format on */

#endif /* EB_SLICES_ARM_H */
