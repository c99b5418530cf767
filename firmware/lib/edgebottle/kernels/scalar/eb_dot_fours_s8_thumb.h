/* eb_dot_fours for the Cortex-M that have no DSP extension: its C twin is in
 * eb_dot_fours_s8.h, the reasons are in eb_triple_s8_thumb.h.
 */
#ifndef EB_DOT_FOURS_S8_THUMB_H
#define EB_DOT_FOURS_S8_THUMB_H

/* clang-format off */

#define EB_DOT_FOURS_CHANNEL(end, sum)                                                             \
    "ldrsb r7, [" end ", r5]\n"                                                                    \
    "muls r7, r6, r7\n"                                                                            \
    "add " sum ", " sum ", r7\n"

/* A value, before r0, times the weights of four channels, before r1 .. r4; the index r5 goes up. */
#define EB_DOT_FOURS_STEP                                                                          \
    "ldrsb r6, [r0, r5]\n"                                                                         \
    EB_DOT_FOURS_CHANNEL("r1", "r8")                                                               \
    EB_DOT_FOURS_CHANNEL("r2", "r9")                                                               \
    EB_DOT_FOURS_CHANNEL("r3", "r10")                                                              \
    EB_DOT_FOURS_CHANNEL("r4", "r11")                                                              \
    "adds r5, r5, #1\n"
#define EB_DOT_FOURS_STEP_BYTES 28u
#define EB_STEPS_DOT_FOURS 4u

/* What the assembly reads; it knows the order. */
typedef struct {
    const int8_t *ends[5]; /* of the values and of the weights */
    int32_t index;         /* of the first value, from the end */
    uint32_t entry;        /* bytes of the unrolled loop to skip the first time */
} eb_dot_fours_start;
EB_FIELD_AT(eb_dot_fours_start, ends, 0);
EB_FIELD_AT(eb_dot_fours_start, index, 20);
EB_FIELD_AT(eb_dot_fours_start, entry, 24);

/* Adds to four sums the products of `count` >= 1 values with weights `count` bytes apart. */
EB_KERNEL void
eb_dot_fours(const int8_t *values, int32_t count, const int8_t *weights, int32_t *sums)
{
    const eb_dot_fours_start start = {
        {values + count, weights + count, weights + 2 * count, weights + 3 * count,
         weights + 4 * count},
        -count,
        (0u - (uint32_t)count) % EB_STEPS_DOT_FOURS * EB_DOT_FOURS_STEP_BYTES};
    register const void *from __asm__("r0") = &start;
    register int32_t *to __asm__("r1") = sums;
    __asm__ volatile(".syntax unified\n"
                     "push {r4, r5, r6, r7}\n"
                     "mov r4, r8\n"
                     "mov r5, r9\n"
                     "mov r6, r10\n"
                     "mov r7, r11\n"
                     "push {r1, r4, r5, r6, r7}\n"
                     "ldmia r1!, {r4, r5, r6, r7}\n"
                     "mov r8, r4\n"
                     "mov r9, r5\n"
                     "mov r10, r6\n"
                     "mov r11, r7\n"
                     "ldmia r0, {r0, r1, r2, r3, r4, r5, r6}\n"
                     "add pc, r6\n"
                     "nop\n"
                     "1:\n" /* as many as EB_STEPS_DOT_FOURS */
                     EB_DOT_FOURS_STEP EB_DOT_FOURS_STEP EB_DOT_FOURS_STEP EB_DOT_FOURS_STEP
                     "bne 1b\n"
                     "mov r4, r8\n"
                     "mov r5, r9\n"
                     "mov r6, r10\n"
                     "mov r7, r11\n"
                     "pop {r0, r1, r2, r3}\n"
                     "stmia r0!, {r4, r5, r6, r7}\n"
                     "pop {r0}\n"
                     "mov r8, r1\n"
                     "mov r9, r2\n"
                     "mov r10, r3\n"
                     "mov r11, r0\n"
                     "pop {r4, r5, r6, r7}\n"
                     : "+r"(from), "+r"(to)
                     :
                     : "r2", "r3", "cc", "memory");
}

/* clang-format on */

#endif /* EB_DOT_FOURS_S8_THUMB_H */
