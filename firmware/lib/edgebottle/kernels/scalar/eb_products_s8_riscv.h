/* eb_product_sums for RV32IM: its C twin is in eb_tables_s8.h, and what is shared with tables in
 * eb_tables_s8_riscv.h.
 */
#ifndef EB_PRODUCTS_S8_RISCV_H
#define EB_PRODUCTS_S8_RISCV_H

/* clang-format off */

/* A value times the weight of a channel. */
#define EB_PRODUCT_CHANNEL(places, word, sum)                                                      \
    "srli t3, %[" word "], " places "\n"                                                          \
    "mul t3, t3, t4\n"                                                                            \
    "add %[" sum "], %[" sum "], t3\n"

/* The one `at` bytes on, times those of four. */
#define EB_PRODUCT_CODE(places, at)                                                                \
    "lw t4, " at "(%[table])\n"                                                                   \
    EB_PRODUCT_CHANNEL(places, "w0", "s0")                                                         \
    EB_PRODUCT_CHANNEL(places, "w1", "s1")                                                         \
    EB_PRODUCT_CHANNEL(places, "w2", "s2")                                                         \
    EB_PRODUCT_CHANNEL(places, "w3", "s3")
#define EB_PRODUCT_CODE_BYTES 52u

/* The first, which no shift comes before. */
#define EB_PRODUCT_FIRST_CHANNEL(word, sum)                                                        \
    "mul t3, %[" word "], t4\n"                                                                  \
    "add %[" sum "], %[" sum "], t3\n"
#define EB_PRODUCT_FIRST_CODE                                                                      \
    "lw t4, 0(%[table])\n"                                                                       \
    EB_PRODUCT_FIRST_CHANNEL("w0", "s0")                                                           \
    EB_PRODUCT_FIRST_CHANNEL("w1", "s1")                                                           \
    EB_PRODUCT_FIRST_CHANNEL("w2", "s2")                                                           \
    EB_PRODUCT_FIRST_CHANNEL("w3", "s3")
#define EB_PRODUCT_SPARED_BYTES 16u

/* Adds to the sums the products of weights of 4 bits and values: see eb_product_sums. */
EB_KERNEL void eb_product_sums(eb_table_part *run)
{
    const uint32_t *weights = run->weights;
    const uint32_t *first = run->tables - run->skip;
    const uint32_t *end = first + EB_TABLE_CODES * run->words;
    const uint32_t skipped =
        (uint32_t)run->skip * EB_PRODUCT_CODE_BYTES - (run->skip ? EB_PRODUCT_SPARED_BYTES : 0u);
    const uint32_t mask = run->mask;
    const int32_t shift = run->shift;
    const uint32_t start = run->start;
    uint32_t *sums = run->sums;
    for (; sums != run->end; sums += 2 * EB_TABLE_CHANNELS) {
        uint32_t total[EB_TABLE_CHANNELS] = {start, start, start, start};
        const uint32_t *table = first;
        uint32_t w0, w1, w2, w3;
        __asm__(".option push\n"
                ".option norvc\n"
                EB_TABLE_LOADS
                "1: auipc t3, 0\n"
                "add t3, t3, %[skipped]\n"
                "jr 32(t3)\n"
                "2:\n"
                EB_TABLE_LOADS
                EB_PRODUCT_FIRST_CODE
                EB_PRODUCT_CODE("4", "4")
                EB_PRODUCT_CODE("8", "8")
                EB_PRODUCT_CODE("12", "12")
                EB_PRODUCT_CODE("16", "16")
                EB_PRODUCT_CODE("20", "20")
                EB_PRODUCT_CODE("24", "24")
                EB_PRODUCT_CODE("28", "28")
                "addi %[table], %[table], 32\n"
                "bne %[table], %[end], 2b\n"
                ".option pop\n"
                : [table] "+r"(table), [weights] "+r"(weights), [s0] "+r"(total[0]),
                  [s1] "+r"(total[1]), [s2] "+r"(total[2]), [s3] "+r"(total[3]), [w0] "=&r"(w0),
                  [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
                : [end] "r"(end), [skipped] "r"(skipped)
                : "t3", "t4", "memory");
#pragma GCC unroll 4
        for (int32_t k = 0; k < EB_TABLE_CHANNELS; ++k) {
            sums[2 * k] += total[k] & mask;
            sums[2 * k + 1] += total[k] >> shift & mask;
        }
    }
    run->sums = sums;
}

/* clang-format on */

#endif /* EB_PRODUCTS_S8_RISCV_H */
