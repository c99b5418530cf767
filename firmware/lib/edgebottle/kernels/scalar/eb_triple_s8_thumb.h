/* eb_triple_sums for the Cortex-M that have no DSP extension, in instructions that all of them
 * know (Armv6-M, taken by Armv7-M as well): its C twin is in eb_triple_s8.h.
 *
 * The eight low registers hold pointers and operands; the sums of two channels are in high ones,
 * which an addition reaches. The compilers keep some of them on the stack instead.
 */
#ifndef EB_TRIPLE_S8_THUMB_H
#define EB_TRIPLE_S8_THUMB_H

/* clang-format off */

/* One tap times two channels. Values at r0, weights before r3 and r4, from the index r5 up. */
#define EB_TRIPLE_STEP                                                                             \
    "ldmia r0!, {r1, r2}\n"                                                                        \
    "ldrsb r6, [r3, r5]\n"                                                                         \
    "mov r7, r6\n"                                                                                 \
    "muls r6, r1, r6\n"                                                                            \
    "muls r7, r2, r7\n"                                                                            \
    "add r8, r8, r6\n"                                                                             \
    "add r9, r9, r7\n"                                                                             \
    "ldrsb r6, [r4, r5]\n"                                                                         \
    "mov r7, r6\n"                                                                                 \
    "muls r6, r1, r6\n"                                                                            \
    "muls r7, r2, r7\n"                                                                            \
    "add r10, r10, r6\n"                                                                           \
    "add r11, r11, r7\n"                                                                           \
    "adds r5, r5, #1\n"
#define EB_TRIPLE_STEP_BYTES 28u
#define EB_STEPS_TRIPLE 4u

/* What the assembly reads; it knows the order. */
typedef struct {
    const uint32_t *values;
    uint32_t entry; /* bytes of the unrolled loop to skip the first time */
    uint32_t unused;
    const int8_t *end0; /* of the weights of two channels */
    const int8_t *end1;
    int32_t index; /* of the first tap, from the end */
} eb_triple_start;
EB_FIELD_AT(eb_triple_start, values, 0);
EB_FIELD_AT(eb_triple_start, entry, 4);
EB_FIELD_AT(eb_triple_start, unused, 8);
EB_FIELD_AT(eb_triple_start, end0, 12);
EB_FIELD_AT(eb_triple_start, end1, 16);
EB_FIELD_AT(eb_triple_start, index, 20);

/* A run of taps times two channels: four words. */
EB_KERNEL void eb_triple_sums_2(const eb_triple_start *start, uint32_t *words)
{
    register const eb_triple_start *from __asm__("r0") = start;
    register uint32_t *to __asm__("r1") = words;
    __asm__ volatile(".syntax unified\n"
                     "push {r4, r5, r6, r7}\n"
                     "mov r2, r8\n"
                     "mov r3, r9\n"
                     "mov r4, r10\n"
                     "mov r5, r11\n"
                     "push {r1, r2, r3, r4, r5}\n"
                     "ldmia r0, {r0, r1, r2, r3, r4, r5}\n"
                     "movs r6, #0\n"
                     "mov r8, r6\n"
                     "mov r9, r6\n"
                     "mov r10, r6\n"
                     "mov r11, r6\n"
                     "add pc, r1\n"
                     "nop\n"
                     "1:\n" /* as many as EB_STEPS_TRIPLE */
                     EB_TRIPLE_STEP EB_TRIPLE_STEP EB_TRIPLE_STEP EB_TRIPLE_STEP
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

/* A run of taps times four channels, whose weights are `stride` bytes apart: two words each. */
static inline void eb_triple_sums(
    const uint32_t *values, int32_t taps, const int8_t *weights, int32_t stride, uint32_t *words)
{
    eb_triple_start start = {values,
                             (0u - (uint32_t)taps) % EB_STEPS_TRIPLE * EB_TRIPLE_STEP_BYTES,
                             0,
                             weights + taps,
                             weights + taps + stride,
                             -taps};
    eb_triple_sums_2(&start, words);
    start.end0 += 2 * stride;
    start.end1 += 2 * stride;
    eb_triple_sums_2(&start, words + 4);
}

#endif /* EB_TRIPLE_S8_THUMB_H */
