/* eb_product_sums for the Cortex-M that have no DSP extension: its C twin is in eb_tables_s8.h, and
 * what is shared with tables in eb_tables_s8_thumb.h.
 */
#ifndef EB_PRODUCTS_S8_THUMB_H
#define EB_PRODUCTS_S8_THUMB_H

/* clang-format off */

/* A value times the weights of four channels. */
#define EB_PRODUCT_CHANNEL(word, places, sum)                                                      \
    "lsrs r7, " word ", #" places "\n"                                                            \
    "muls r7, r5, r7\n"                                                                           \
    "add " sum ", " sum ", r7\n"
#define EB_PRODUCT_CODE(places)                                                                    \
    "ldmia r0!, {r5}\n"                                                                           \
    EB_PRODUCT_CHANNEL("r1", places, "r8")                                                         \
    EB_PRODUCT_CHANNEL("r2", places, "r9")                                                         \
    EB_PRODUCT_CHANNEL("r3", places, "r10")                                                        \
    EB_PRODUCT_CHANNEL("r4", places, "r11")
/* The same where no shift comes before. */
#define EB_PRODUCT_FIRST_CHANNEL(word, sum)                                                        \
    "movs r7, " word "\n"                                                                         \
    "muls r7, r5, r7\n"                                                                           \
    "add " sum ", " sum ", r7\n"
#define EB_PRODUCT_FIRST_CODE                                                                      \
    "ldmia r0!, {r5}\n"                                                                           \
    EB_PRODUCT_FIRST_CHANNEL("r1", "r8")                                                           \
    EB_PRODUCT_FIRST_CHANNEL("r2", "r9")                                                           \
    EB_PRODUCT_FIRST_CHANNEL("r3", "r10")                                                          \
    EB_PRODUCT_FIRST_CHANNEL("r4", "r11")
#define EB_PRODUCT_CODE_BYTES "26"

/* Adds to the sums the products of weights of 4 bits and values: see eb_product_sums.
 *
 * r0: values; r5: one of them; r6: weights; r7: a product; r12: the run; lr: the values' end.
 */
EB_KERNEL void eb_product_sums(eb_table_part *run)
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
                     "lsls r2, r2, #5\n"  /* bytes of the values of a word */
                     "ldr r3, [r0, #20]\n"
                     "lsls r3, r3, #2\n"
                     "adds r1, r1, r2\n"
                     "subs r1, r1, r3\n"
                     "mov lr, r1\n"
                     "1:\n"
                     "mov r1, r12\n"
                     "ldr r0, [r1, #0]\n"
                     "ldr r5, [r1, #20]\n"
                     "movs r7, #" EB_PRODUCT_CODE_BYTES "\n"
                     "muls r5, r7, r5\n"
                     "ldr r7, [r1, #32]\n"
                     "mov r8, r7\n"
                     "mov r9, r7\n"
                     "mov r10, r7\n"
                     "mov r11, r7\n"
                     "ldmia r6!, {r1, r2, r3, r4}\n"
                     "add pc, r5\n"
                     "nop\n"
                     "2:\n"
                     EB_PRODUCT_FIRST_CODE
                     EB_PRODUCT_CODE("4")
                     EB_PRODUCT_CODE("8")
                     EB_PRODUCT_CODE("12")
                     EB_PRODUCT_CODE("16")
                     EB_PRODUCT_CODE("20")
                     EB_PRODUCT_CODE("24")
                     EB_PRODUCT_CODE("28")
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

#endif /* EB_PRODUCTS_S8_THUMB_H */
