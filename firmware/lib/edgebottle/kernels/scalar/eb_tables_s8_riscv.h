/* eb_table_sums for RV32I: its C twin is in eb_tables_s8.h.
 *
 * The compilers keep the loops over codes, and with them the shifts by a variable.
 */
#ifndef EB_TABLES_S8_RISCV_H
#define EB_TABLES_S8_RISCV_H

/* clang-format off */

/* A code of one channel, whose offset in its table, `at` bytes on, the shift brings to bits 2 to 5. */
#define EB_TABLE_CHANNEL(shift, places, at, word, sum)                                             \
    shift " t3, %[" word "], " places "\n"                                                       \
    "andi t3, t3, 0x3c\n"                                                                         \
    "add t3, t3, %[table]\n"                                                                      \
    "lw t3, " at "(t3)\n"                                                                        \
    "add %[" sum "], %[" sum "], t3\n"

/* One of four channels. */
#define EB_TABLE_CODE(shift, places, at)                                                           \
    EB_TABLE_CHANNEL(shift, places, at, "w0", "s0")                                                \
    EB_TABLE_CHANNEL(shift, places, at, "w1", "s1")                                                \
    EB_TABLE_CHANNEL(shift, places, at, "w2", "s2")                                                \
    EB_TABLE_CHANNEL(shift, places, at, "w3", "s3")
#define EB_TABLE_CODE_BYTES 80u

/* The next words of four channels. */
#define EB_TABLE_LOADS                                                                             \
    "lw %[w0], 0(%[weights])\n"                                                                   \
    "lw %[w1], 4(%[weights])\n"                                                                   \
    "lw %[w2], 8(%[weights])\n"                                                                   \
    "lw %[w3], 12(%[weights])\n"                                                                  \
    "addi %[weights], %[weights], 16\n"

/* Adds to the sums what the tables have for the codes of each channel; moves sums to their end. */
EB_KERNEL void eb_table_sums(eb_table_part *run)
{
    const uint32_t *weights = run->weights;
    const uint32_t *first = run->tables - EB_TABLE_WORDS * run->skip;
    const uint32_t *end = first + EB_TABLE_WORDS * EB_TABLE_CODES * run->words;
    const uint32_t skipped = (uint32_t)run->skip * EB_TABLE_CODE_BYTES;
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
                EB_TABLE_CODE("slli", "2", "0")
                EB_TABLE_CODE("srli", "2", "64")
                EB_TABLE_CODE("srli", "6", "128")
                EB_TABLE_CODE("srli", "10", "192")
                EB_TABLE_CODE("srli", "14", "256")
                EB_TABLE_CODE("srli", "18", "320")
                EB_TABLE_CODE("srli", "22", "384")
                EB_TABLE_CODE("srli", "26", "448")
                "addi %[table], %[table], 512\n"
                "bne %[table], %[end], 2b\n"
                ".option pop\n"
                : [table] "+r"(table), [weights] "+r"(weights), [s0] "+r"(total[0]),
                  [s1] "+r"(total[1]), [s2] "+r"(total[2]), [s3] "+r"(total[3]), [w0] "=&r"(w0),
                  [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
                : [end] "r"(end), [skipped] "r"(skipped)
                : "t3", "memory");
#pragma GCC unroll 4
        for (int32_t k = 0; k < EB_TABLE_CHANNELS; ++k) {
            sums[2 * k] += total[k] & mask;
            sums[2 * k + 1] += total[k] >> shift & mask;
        }
    }
    run->sums = sums;
}

/* clang-format on */

#endif /* EB_TABLES_S8_RISCV_H */
