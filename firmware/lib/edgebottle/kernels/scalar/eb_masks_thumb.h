/* The sums of eb_masks.h for the Cortex-M that have no DSP extension, in instructions that all of
 * them know (Armv6-M, taken by Armv7-M as well): their C twin is there.
 *
 * The low registers hold four words of weights and a value, high ones the sums and where the next
 * weights are. The compilers keep some of them on the stack instead.
 */
#ifndef EB_MASKS_THUMB_H
#define EB_MASKS_THUMB_H

/* clang-format off */

/* A code of one word times the value in r5; one that no shift comes before. */
#define EB_MASKED_WORD(word, places, sum)                                                          \
    "lsrs r7, " word ", #" #places "\n"                                                           \
    "ands r7, r6\n"                                                                               \
    "muls r7, r5, r7\n"                                                                           \
    "add " sum ", " sum ", r7\n"
#define EB_MASKED_FIRST_WORD(word, sum)                                                            \
    "movs r7, " word "\n"                                                                         \
    "ands r7, r6\n"                                                                               \
    "muls r7, r5, r7\n"                                                                           \
    "add " sum ", " sum ", r7\n"

/* A code of four words times the next value. */
#define EB_MASKED_CODE(places)                                                                     \
    "ldmia r0!, {r5}\n"                                                                           \
    EB_MASKED_WORD("r1", places, "r8")                                                             \
    EB_MASKED_WORD("r2", places, "r9")                                                             \
    EB_MASKED_WORD("r3", places, "r10")                                                            \
    EB_MASKED_WORD("r4", places, "r11")
#define EB_MASKED_FIRST_CODE                                                                       \
    "ldmia r0!, {r5}\n"                                                                           \
    EB_MASKED_FIRST_WORD("r1", "r8")                                                               \
    EB_MASKED_FIRST_WORD("r2", "r9")                                                               \
    EB_MASKED_FIRST_WORD("r3", "r10")                                                              \
    EB_MASKED_FIRST_WORD("r4", "r11")

/* Adds what a word's lanes hold to its sums at r5. */
#define EB_MASKED_PAIRS(sum)                                                                       \
    "mov r1, " sum "\n"                                                                           \
    "lsrs r2, r1, #16\n"                                                                          \
    "uxth r1, r1\n"                                                                               \
    "ldr r3, [r5, #0]\n"                                                                          \
    "ldr r4, [r5, #4]\n"                                                                          \
    "adds r1, r1, r3\n"                                                                           \
    "adds r2, r2, r4\n"                                                                           \
    "stmia r5!, {r1, r2}\n"
#define EB_MASKED_DOTS(sum)                                                                        \
    "mov r1, " sum "\n"                                                                           \
    "lsrs r1, r1, #24\n"                                                                          \
    "ldr r3, [r5, #0]\n"                                                                          \
    "adds r1, r1, r3\n"                                                                           \
    "stmia r5!, {r1}\n"

EB_FIELD_AT(eb_masked_part, values, 0);
EB_FIELD_AT(eb_masked_part, end, 4);
EB_FIELD_AT(eb_masked_part, weights, 8);
EB_FIELD_AT(eb_masked_part, sums, 12);
EB_FIELD_AT(eb_masked_part, run, 16);
EB_FIELD_AT(eb_masked_part, mask, 20);

/* r0: values; r5: one of them; r6: mask; r7: a product; r12: weights; lr: the end of the run. */
#define EB_MASKED_SUMS(NAME, FIELDS, CODES)                                                        \
    EB_KERNEL void NAME(const eb_masked_part *p)                                                   \
    {                                                                                              \
        register const eb_masked_part *from __asm__("r0") = p;                                     \
        __asm__ volatile(".syntax unified\n"                                                      \
                         "mov r1, r8\n"                                                           \
                         "mov r2, r9\n"                                                           \
                         "mov r3, r10\n"                                                          \
                         "push {r1, r2, r3, r4, r5, r6, r7, lr}\n"                                \
                         "mov r1, r11\n"                                                          \
                         "push {r0, r1}\n"                                                        \
                         "ldr r6, [r0, #20]\n"                                                    \
                         "ldr r1, [r0, #8]\n"                                                     \
                         "mov r12, r1\n"                                                          \
                         "ldr r0, [r0, #0]\n"                                                     \
                         "1:\n"                                                                   \
                         "ldmia r0!, {r5}\n"                                                      \
                         "mov r8, r5\n"                                                           \
                         "mov r9, r5\n"                                                           \
                         "mov r10, r5\n"                                                          \
                         "mov r11, r5\n"                                                          \
                         "ldr r7, [sp, #0]\n"                                                     \
                         "ldr r1, [r7, #16]\n"                                                    \
                         "adds r1, r1, r0\n"                                                      \
                         "ldr r2, [r7, #4]\n"                                                     \
                         "cmp r1, r2\n"                                                           \
                         "bls 2f\n"                                                               \
                         "mov r1, r2\n"                                                           \
                         "2:\n"                                                                   \
                         "mov lr, r1\n"                                                           \
                         "3:\n"                                                                   \
                         "mov r7, r12\n"                                                          \
                         "ldmia r7!, {r1, r2, r3, r4}\n"                                          \
                         "mov r12, r7\n"                                                          \
                         EB_MASKED_FIRST_CODE CODES                                                \
                         "cmp r0, lr\n"                                                           \
                         "beq 4f\n"                                                               \
                         "b 3b\n"                                                                 \
                         "4:\n"                                                                   \
                         "ldr r7, [sp, #0]\n"                                                     \
                         "ldr r5, [r7, #12]\n"                                                    \
                         FIELDS("r8") FIELDS("r9") FIELDS("r10") FIELDS("r11")                     \
                         "ldr r1, [r7, #4]\n"                                                     \
                         "cmp r0, r1\n"                                                           \
                         "beq 5f\n"                                                               \
                         "b 1b\n"                                                                 \
                         "5:\n"                                                                   \
                         "pop {r0, r1}\n"                                                         \
                         "mov r11, r1\n"                                                          \
                         "pop {r1, r2, r3, r4, r5, r6, r7}\n"                                     \
                         "mov r8, r1\n"                                                           \
                         "mov r9, r2\n"                                                           \
                         "mov r10, r3\n"                                                          \
                         "pop {r1}\n"                                                             \
                         "mov lr, r1\n"                                                           \
                         : "+r"(from)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

EB_MASKED_SUMS(eb_masked_pairs_4_4, EB_MASKED_PAIRS,
               EB_MASKED_CODE(4) EB_MASKED_CODE(8) EB_MASKED_CODE(12))
EB_MASKED_SUMS(eb_masked_pairs_2_8, EB_MASKED_PAIRS,
               EB_MASKED_CODE(2) EB_MASKED_CODE(4) EB_MASKED_CODE(6) EB_MASKED_CODE(8)
               EB_MASKED_CODE(10) EB_MASKED_CODE(12) EB_MASKED_CODE(14))
EB_MASKED_SUMS(eb_masked_pairs_1_16, EB_MASKED_PAIRS,
               EB_MASKED_CODE(1) EB_MASKED_CODE(2) EB_MASKED_CODE(3) EB_MASKED_CODE(4)
               EB_MASKED_CODE(5) EB_MASKED_CODE(6) EB_MASKED_CODE(7) EB_MASKED_CODE(8)
               EB_MASKED_CODE(9) EB_MASKED_CODE(10) EB_MASKED_CODE(11) EB_MASKED_CODE(12)
               EB_MASKED_CODE(13) EB_MASKED_CODE(14) EB_MASKED_CODE(15))
EB_MASKED_SUMS(eb_masked_dots_2_4, EB_MASKED_DOTS,
               EB_MASKED_CODE(2) EB_MASKED_CODE(4) EB_MASKED_CODE(6))
EB_MASKED_SUMS(eb_masked_dots_1_8, EB_MASKED_DOTS,
               EB_MASKED_CODE(1) EB_MASKED_CODE(2) EB_MASKED_CODE(3) EB_MASKED_CODE(4)
               EB_MASKED_CODE(5) EB_MASKED_CODE(6) EB_MASKED_CODE(7))

/* clang-format on */

#endif /* EB_MASKS_THUMB_H */
