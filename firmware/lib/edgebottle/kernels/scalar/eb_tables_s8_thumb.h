/* eb_table_sums for the Cortex-M that have no DSP extension, in instructions that all of them know
 * (Armv6-M, taken by Armv7-M as well): its C twin is in eb_tables_s8.h.
 *
 * The low registers hold the words of four channels, and r0 the table of a code; the sums are in
 * high ones, which an addition reaches. The compilers keep most of them on the stack instead.
 */
#ifndef EB_TABLES_S8_THUMB_H
#define EB_TABLES_S8_THUMB_H

/* clang-format off */

/* A code of one channel, whose offset in the table the shift brings to bits 2 to 5. */
#define EB_TABLE_CHANNEL(shift, word, places, sum)                                                 \
    shift " r5, " word ", #" places "\n"                                                        \
    "ands r5, r7\n"                                                                               \
    "ldr r5, [r0, r5]\n"                                                                          \
    "add " sum ", " sum ", r5\n"

/* One of four channels, and on to the next table. */
#define EB_TABLE_CODE(shift, places)                                                               \
    EB_TABLE_CHANNEL(shift, "r1", places, "r8")                                                    \
    EB_TABLE_CHANNEL(shift, "r2", places, "r9")                                                    \
    EB_TABLE_CHANNEL(shift, "r3", places, "r10")                                                   \
    EB_TABLE_CHANNEL(shift, "r4", places, "r11")                                                   \
    "adds r0, #64\n"
#define EB_TABLE_CODE_BYTES "34"

/* Adds the fields of a sum to its two words at r0. */
#define EB_TABLE_FIELDS(sum)                                                                       \
    "mov r1, " sum "\n"                                                                           \
    "mov r2, r1\n"                                                                                \
    "lsrs r2, r7\n"                                                                               \
    "ands r1, r5\n"                                                                               \
    "ands r2, r5\n"                                                                               \
    "ldr r3, [r0, #0]\n"                                                                          \
    "ldr r4, [r0, #4]\n"                                                                          \
    "adds r1, r1, r3\n"                                                                           \
    "adds r2, r2, r4\n"                                                                           \
    "stmia r0!, {r1, r2}\n"

EB_FIELD_AT(eb_table_part, tables, 0);
EB_FIELD_AT(eb_table_part, weights, 4);
EB_FIELD_AT(eb_table_part, sums, 8);
EB_FIELD_AT(eb_table_part, end, 12);
EB_FIELD_AT(eb_table_part, words, 16);
EB_FIELD_AT(eb_table_part, skip, 20);
EB_FIELD_AT(eb_table_part, mask, 24);
EB_FIELD_AT(eb_table_part, shift, 28);
EB_FIELD_AT(eb_table_part, start, 32);

/* Adds to the sums what the tables have for the codes of each channel; moves sums to their end.
 *
 * r0: table; r5: offset in it; r6: weights; r7: mask of offsets; r12: the run; lr: the tables' end.
 */
EB_KERNEL void eb_table_sums(eb_table_part *run)
{
    register eb_table_part *from __asm__("r0") = run;
    __asm__ volatile(".syntax unified\n"
                     "mov r1, r8\n"
                     "mov r2, r9\n"
                     "mov r3, r10\n"
                     "push {r1, r2, r3, r4, r5, r6, r7, lr}\n"
                     "mov r1, r11\n"
                     "push {r1}\n"
                     "mov r12, r0\n"
                     "ldr r6, [r0, #4]\n"
                     "ldr r1, [r0, #0]\n"
                     "ldr r2, [r0, #16]\n"
                     "lsls r2, r2, #9\n"  /* bytes of the tables of a word */
                     "ldr r3, [r0, #20]\n"
                     "lsls r3, r3, #6\n"
                     "adds r1, r1, r2\n"
                     "subs r1, r1, r3\n"
                     "mov lr, r1\n"
                     "1:\n"
                     "mov r1, r12\n"
                     "ldr r0, [r1, #0]\n"
                     "ldr r5, [r1, #20]\n"
                     "movs r7, #" EB_TABLE_CODE_BYTES "\n"
                     "muls r5, r7, r5\n"
                     "ldr r7, [r1, #32]\n"
                     "mov r8, r7\n"
                     "mov r9, r7\n"
                     "mov r10, r7\n"
                     "mov r11, r7\n"
                     "movs r7, #0x3c\n"
                     "ldmia r6!, {r1, r2, r3, r4}\n"
                     "add pc, r5\n"
                     "nop\n"
                     "2:\n"
                     EB_TABLE_CODE("lsls", "2") EB_TABLE_CODE("lsrs", "2")
                     EB_TABLE_CODE("lsrs", "6") EB_TABLE_CODE("lsrs", "10")
                     EB_TABLE_CODE("lsrs", "14") EB_TABLE_CODE("lsrs", "18")
                     EB_TABLE_CODE("lsrs", "22") EB_TABLE_CODE("lsrs", "26")
                     "cmp r0, lr\n"
                     "beq 3f\n"
                     "ldmia r6!, {r1, r2, r3, r4}\n"
                     "b 2b\n"
                     "3:\n"
                     "mov r1, r12\n"
                     "ldr r0, [r1, #8]\n"
                     "ldr r5, [r1, #24]\n"
                     "ldr r7, [r1, #28]\n"
                     EB_TABLE_FIELDS("r8")
                     EB_TABLE_FIELDS("r9")
                     EB_TABLE_FIELDS("r10")
                     EB_TABLE_FIELDS("r11")
                     "mov r1, r12\n"
                     "str r0, [r1, #8]\n"
                     "ldr r2, [r1, #12]\n"
                     "cmp r0, r2\n"
                     "beq 4f\n"
                     "b 1b\n"
                     "4:\n"
                     "pop {r1}\n"
                     "mov r11, r1\n"
                     "pop {r1, r2, r3, r4, r5, r6, r7}\n"
                     "mov r8, r1\n"
                     "mov r9, r2\n"
                     "mov r10, r3\n"
                     "pop {r1}\n"
                     "mov lr, r1\n"
                     : "+r"(from)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

/* clang-format on */

#endif /* EB_TABLES_S8_THUMB_H */
