/* The tiles of eb_counts.h for cores with the DSP instructions. eb_counts_twin.h is the same in C.
 */
#ifndef EB_COUNTS_ARM_H
#define EB_COUNTS_ARM_H

EB_FIELD_AT(eb_counts_tile, requant, 0);
EB_FIELD_AT(eb_counts_tile, out, 4);
EB_FIELD_AT(eb_counts_tile, channels, 8);
EB_FIELD_AT(eb_counts_tile, base, 12);
EB_FIELD_AT(eb_counts_tile, twice_step, 16);
EB_FIELD_AT(eb_counts_tile, low, 20);
EB_FIELD_AT(eb_counts_tile, values, 24);
EB_FIELD_AT(eb_counts_tile, weights, 28);
EB_FIELD_AT(eb_counts_tile, weight_bytes, 32);
EB_FIELD_AT(eb_counts_tile, entry, 36);
EB_FIELD_AT(eb_counts_tile, span, 40);

/* clang-format off */

/* Up to the group of words that comes first; on the stack, t and where the weights end. */
#define EB_COUNTS_BEGIN                                                                            \
    "push {r4-r11, lr}\n"                                                                          \
    "sub sp, sp, #12\n"                                                                            \
    "str r0, [sp]\n"                                                                               \
    "ldr lr, [r0, #28]\n"                                                                          \
    "mov r11, #0\n"                                                                                \
    "1:\n"                                                                                         \
    "ldr r12, [r0, #24]\n"                                                                         \
    "ldrd r1, r2, [r0, #32]\n"                                                                     \
    "add r1, lr, r1\n"                                                                             \
    "str r1, [sp, #4]\n"                                                                           \
    "mov r9, #0\n"                                                                                 \
    "mov r10, #0\n"                                                                                \
    "add pc, r2\n"                                                                                 \
    "nop\n"

/* Three words, or first one or two: fields of 2 bits of even bits in r3, of odd ones in r6. */
#define EB_COUNTS_GROUPS                                                                           \
    "b.w 3f\n"                                                                                     \
    "ldr r0, [lr], #4\n" /* EB_COUNTS_ENTRY_1 */                                                   \
    "ldrd r3, r6, [r12], #8\n"                                                                     \
    "and.w r3, r3, r0\n"                                                                           \
    "and.w r6, r6, r0, lsr #1\n"                                                                   \
    "b.w 4f\n"                                                                                     \
    "ldrd r0, r1, [lr], #8\n" /* EB_COUNTS_ENTRY_2 */                                              \
    "ldmia r12!, {r3, r4, r6, r7}\n"                                                               \
    "and.w r3, r3, r0\n"                                                                           \
    "and.w r6, r6, r0, lsr #1\n"                                                                   \
    "and.w r4, r4, r1\n"                                                                           \
    "and.w r7, r7, r1, lsr #1\n"                                                                   \
    "add r3, r3, r4\n"                                                                             \
    "add r6, r6, r7\n"                                                                             \
    "b.w 4f\n"                                                                                     \
    "3:\n"                                                                                         \
    "ldmia lr!, {r0, r1, r2}\n"                                                                    \
    "ldmia r12!, {r3, r4, r5, r6, r7, r8}\n"                                                       \
    "and r3, r3, r0\n"                                                                             \
    "and r6, r6, r0, lsr #1\n"                                                                     \
    "and r4, r4, r1\n"                                                                             \
    "and r7, r7, r1, lsr #1\n"                                                                     \
    "and r5, r5, r2\n"                                                                             \
    "and r8, r8, r2, lsr #1\n"                                                                     \
    "add r3, r3, r4\n"                                                                             \
    "add r6, r6, r7\n"                                                                             \
    "add r3, r3, r5\n"                                                                             \
    "add r6, r6, r8\n"                                                                             \
    "4:\n"
#define EB_COUNTS_ENTRY_1 4u
#define EB_COUNTS_ENTRY_2 24u

/* Fields of 4 bits in r0; r9 sums its bytes, r10 the lower halves of those. */
#define EB_COUNTS_FOLD                                                                             \
    "and r0, r3, #0x33333333\n"                                                                    \
    "and r1, r6, #0x33333333\n"                                                                    \
    "sub r3, r3, r0\n"                                                                             \
    "sub r6, r6, r1\n"                                                                             \
    "add r0, r0, r1\n"                                                                             \
    "add r0, r0, r3, lsr #2\n"                                                                     \
    "add r0, r0, r6, lsr #2\n"                                                                     \
    "usada8 r9, r0, r11, r9\n"                                                                     \
    "and r0, r0, #0x0f0f0f0f\n"                                                                    \
    "usada8 r10, r0, r11, r10\n"                                                                   \
    "ldr r0, [sp, #4]\n"                                                                           \
    "cmp lr, r0\n"                                                                                 \
    "bne 3b\n"

/* The output of the channel; on with the next. */
#define EB_COUNTS_FINISH(CLAMP)                                                                    \
    "ldr r0, [sp]\n"                                                                               \
    "ldmia r0, {r1, r2, r3, r4, r5, r6}\n"                                                         \
    "sub r9, r9, r10\n"                                                                            \
    "ldmia r1!, {r7, r8, r11, r12}\n"                                                              \
    "add r9, r10, r9, lsr #4\n"                                                                    \
    "add r7, r7, r4\n"                                                                             \
    "mla r9, r9, r5, r7\n"                                                                         \
    "smmlar r7, r9, r8, r11\n"                                                                     \
    "add r7, r7, r9, asr #31\n"                                                                    \
    "asr r7, r7, r12\n"                                                                            \
    CLAMP                                                                                          \
    "add r7, r7, r6\n"                                                                             \
    "strb r7, [r2], #1\n"                                                                          \
    "mov r11, #0\n"                                                                                \
    "subs r3, #1\n"                                                                                \
    "stmia r0, {r1, r2, r3}\n"                                                                     \
    "bne.w 1b\n"                                                                                   \
    "add sp, sp, #12\n"                                                                            \
    "pop {r4-r11, lr}\n"

#define EB_COUNTS_BIT                                                                              \
    "usat r7, #1, r7\n"
#define EB_COUNTS_CLAMP                                                                            \
    "usat r7, #8, r7\n"                                                                            \
    "ldr r8, [r0, #40]\n"                                                                          \
    "cmp r7, r8\n"                                                                                 \
    "it hi\n"                                                                                      \
    "movhi r7, r8\n"

#define EB_COUNTS_TILE(name, CLAMP)                                                                \
    EB_KERNEL void eb_counts_##name(eb_counts_tile *t)                                             \
    {                                                                                              \
        const uint32_t first = t->weight_bytes / 4u % 3u;                                          \
        t->entry = first == 0u ? 0u : first == 1u ? EB_COUNTS_ENTRY_1 : EB_COUNTS_ENTRY_2;         \
        register eb_counts_tile *tile __asm__("r0") = t;                                           \
        __asm__ volatile(EB_COUNTS_BEGIN                                                           \
                         EB_COUNTS_GROUPS                                                          \
                         EB_COUNTS_FOLD                                                            \
                         EB_COUNTS_FINISH(CLAMP)                                                   \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

EB_COUNTS_TILE(of_1, EB_COUNTS_BIT)
EB_COUNTS_TILE(clamped, EB_COUNTS_CLAMP)

/* clang-format on */

#endif /* EB_COUNTS_ARM_H */
