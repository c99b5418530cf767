/* What widens the values that tiles of few bits read, and sums them, for cores with the DSP
 * instructions. eb_tile_levels_twin.h is the same in C.
 */
#ifndef EB_WIDEN_SUM_ARM_H
#define EB_WIDEN_SUM_ARM_H

/* clang-format off */

#define EB_SUM_WIDE_2                                                                              \
    "ldmia %0!, {r3, r4, r5, r6}\n"                                                                \
    "smlad %2, r3, r8, %2\n"                                                                       \
    "smlad %3, r4, r8, %3\n"                                                                       \
    "smlad %2, r5, r8, %2\n"                                                                       \
    "smlad %3, r6, r8, %3\n"

/* The sums of eb_widen_2's words of two pixels. */
EB_KERNEL void eb_sum_wide_2(const uint32_t *values, int32_t fours, int32_t *sums)
{
    int32_t first = 0;
    int32_t second = 0;
    __asm__ volatile("mov r8, #0x00010001\n"
                     "lsrs %1, %1, #1\n"
                     "bcc 2f\n"
                     EB_SUM_WIDE_2
                     "2:\n"
                     "cbz %1, 4f\n"
                     "3:\n"
                     EB_SUM_WIDE_2
                     EB_SUM_WIDE_2
                     "subs %1, %1, #1\n"
                     "bne 3b\n"
                     "4:\n"
                     : "+r"(values), "+l"(fours), "+r"(first), "+r"(second)
                     :
                     : "r3", "r4", "r5", "r6", "r8", "cc", "memory");
    sums[0] = first;
    sums[1] = second;
}

#define EB_WIDEN_SUM_2                                                                             \
    "ldr r4, [%0], #4\n"                                                                           \
    "ldr r8, [%1], #4\n"                                                                           \
    "sxtb16 r3, r4\n"                                                                              \
    "sxtb16 r4, r4, ror #8\n"                                                                      \
    "sxtb16 r6, r8\n"                                                                              \
    "sxtb16 r8, r8, ror #8\n"                                                                      \
    "smlad %4, r3, r9, %4\n"                                                                       \
    "smlad %5, r6, r9, %5\n"                                                                       \
    "strd r3, r6, [%2], #8\n"                                                                      \
    "smlad %4, r4, r9, %4\n"                                                                       \
    "smlad %5, r8, r9, %5\n"                                                                       \
    "strd r4, r8, [%2], #8\n"

/* eb_widen_2 and eb_sum_wide_2 at once. */
EB_KERNEL void
eb_widen_sum_2(const int8_t *a, const int8_t *b, uint32_t *to, int32_t fours, int32_t *sums)
{
    int32_t first = 0;
    int32_t second = 0;
    __asm__ volatile("mov r9, #0x00010001\n"
                     "lsrs %3, %3, #1\n"
                     "bcc 2f\n"
                     EB_WIDEN_SUM_2
                     "2:\n"
                     "cbz %3, 4f\n"
                     "3:\n"
                     EB_WIDEN_SUM_2
                     EB_WIDEN_SUM_2
                     "subs %3, %3, #1\n"
                     "bne 3b\n"
                     "4:\n"
                     : "+r"(a), "+r"(b), "+r"(to), "+l"(fours), "+r"(first), "+r"(second)
                     :
                     : "r3", "r4", "r6", "r8", "r9", "cc", "memory");
    sums[0] = first;
    sums[1] = second;
}

#define EB_WIDEN_SUM_1                                                                             \
    "ldr r4, [%0], #4\n"                                                                           \
    "sxtb16 r3, r4\n"                                                                              \
    "sxtb16 r4, r4, ror #8\n"                                                                      \
    "smlad %3, r3, r8, %3\n"                                                                       \
    "smlad %3, r4, r8, %3\n"                                                                       \
    "strd r3, r4, [%1], #8\n"

/* Fours of bytes of a pixel become the words of taps 0 and 2, and of 1 and 3; returns their sum. */
EB_KERNEL int32_t eb_widen_sum_1(const int8_t *from, uint32_t *to, int32_t fours)
{
    int32_t sum = 0;
    __asm__ volatile("mov r8, #0x00010001\n"
                     "lsrs %2, %2, #1\n"
                     "bcc 2f\n"
                     EB_WIDEN_SUM_1
                     "2:\n"
                     "cbz %2, 4f\n"
                     "3:\n"
                     EB_WIDEN_SUM_1
                     EB_WIDEN_SUM_1
                     "subs %2, %2, #1\n"
                     "bne 3b\n"
                     "4:\n"
                     : "+r"(from), "+r"(to), "+l"(fours), "+r"(sum)
                     :
                     : "r3", "r4", "r8", "cc", "memory");
    return sum;
}

/* clang-format on */

#endif /* EB_WIDEN_SUM_ARM_H */
