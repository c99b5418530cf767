/* The products of eb_masks.h for RV32IM: their C twin is there.
 *
 * The compilers load the weights anew for each code.
 */
#ifndef EB_MASKS_RISCV_H
#define EB_MASKS_RISCV_H

/* clang-format off */

/* A code of one word times the value in t4; one that no shift comes before. */
#define EB_MASKED_WORD(word, places, sum)                                                          \
    "srli t3, %[" word "], " #places "\n"                                                         \
    "and t3, t3, %[mask]\n"                                                                       \
    "mul t3, t3, t4\n"                                                                            \
    "add %[" sum "], %[" sum "], t3\n"
#define EB_MASKED_FIRST_WORD(word, sum)                                                            \
    "and t3, %[" word "], %[mask]\n"                                                              \
    "mul t3, t3, t4\n"                                                                            \
    "add %[" sum "], %[" sum "], t3\n"

/* A code of four words times the value `at` bytes on. */
#define EB_MASKED_CODE(places, at)                                                                 \
    "lw t4, " #at "(%[values])\n"                                                                 \
    EB_MASKED_WORD("w0", places, "s0")                                                             \
    EB_MASKED_WORD("w1", places, "s1")                                                             \
    EB_MASKED_WORD("w2", places, "s2")                                                             \
    EB_MASKED_WORD("w3", places, "s3")
#define EB_MASKED_FIRST_CODE                                                                       \
    "lw t4, 0(%[values])\n"                                                                       \
    EB_MASKED_FIRST_WORD("w0", "s0")                                                               \
    EB_MASKED_FIRST_WORD("w1", "s1")                                                               \
    EB_MASKED_FIRST_WORD("w2", "s2")                                                               \
    EB_MASKED_FIRST_WORD("w3", "s3")

/* eb_masked_codes_STEP_COUNT: adds to four sums the products of words of values and of weights. */
#define EB_MASKED_CODES(NAME, BYTES, CODES)                                                        \
    static inline const uint32_t *NAME(const uint32_t *values, const uint32_t *last,               \
                                       const uint32_t *weights, uint32_t mask, uint32_t *sums)     \
    {                                                                                              \
        uint32_t w0, w1, w2, w3;                                                                   \
        uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];                           \
        __asm__("1:\n"                                                                             \
                "lw %[w0], 0(%[weights])\n"                                                       \
                "lw %[w1], 4(%[weights])\n"                                                       \
                "lw %[w2], 8(%[weights])\n"                                                       \
                "lw %[w3], 12(%[weights])\n"                                                      \
                "addi %[weights], %[weights], 16\n"                                               \
                EB_MASKED_FIRST_CODE CODES                                                         \
                "addi %[values], %[values], " #BYTES "\n"                                         \
                "bne %[values], %[last], 1b\n"                                                    \
                : [values] "+r"(values), [weights] "+r"(weights), [s0] "+r"(s0), [s1] "+r"(s1),    \
                  [s2] "+r"(s2), [s3] "+r"(s3), [w0] "=&r"(w0), [w1] "=&r"(w1),                    \
                  [w2] "=&r"(w2), [w3] "=&r"(w3)                                                   \
                : [last] "r"(last), [mask] "r"(mask)                                               \
                : "t3", "t4", "memory");                                                           \
        sums[0] = s0;                                                                              \
        sums[1] = s1;                                                                              \
        sums[2] = s2;                                                                              \
        sums[3] = s3;                                                                              \
        return weights;                                                                            \
    }

EB_MASKED_CODES(eb_masked_codes_4_4, 16,
                EB_MASKED_CODE(4, 4) EB_MASKED_CODE(8, 8) EB_MASKED_CODE(12, 12))
EB_MASKED_CODES(eb_masked_codes_2_8, 32,
                EB_MASKED_CODE(2, 4) EB_MASKED_CODE(4, 8) EB_MASKED_CODE(6, 12)
                EB_MASKED_CODE(8, 16) EB_MASKED_CODE(10, 20) EB_MASKED_CODE(12, 24)
                EB_MASKED_CODE(14, 28))
EB_MASKED_CODES(eb_masked_codes_1_16, 64,
                EB_MASKED_CODE(1, 4) EB_MASKED_CODE(2, 8) EB_MASKED_CODE(3, 12)
                EB_MASKED_CODE(4, 16) EB_MASKED_CODE(5, 20) EB_MASKED_CODE(6, 24)
                EB_MASKED_CODE(7, 28) EB_MASKED_CODE(8, 32) EB_MASKED_CODE(9, 36)
                EB_MASKED_CODE(10, 40) EB_MASKED_CODE(11, 44) EB_MASKED_CODE(12, 48)
                EB_MASKED_CODE(13, 52) EB_MASKED_CODE(14, 56) EB_MASKED_CODE(15, 60))
EB_MASKED_CODES(eb_masked_codes_2_4, 16,
                EB_MASKED_CODE(2, 4) EB_MASKED_CODE(4, 8) EB_MASKED_CODE(6, 12))
EB_MASKED_CODES(eb_masked_codes_1_8, 32,
                EB_MASKED_CODE(1, 4) EB_MASKED_CODE(2, 8) EB_MASKED_CODE(3, 12)
                EB_MASKED_CODE(4, 16) EB_MASKED_CODE(5, 20) EB_MASKED_CODE(6, 24)
                EB_MASKED_CODE(7, 28))

/* clang-format on */

#endif /* EB_MASKS_RISCV_H */
