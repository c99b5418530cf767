/* eb_triple_sums for RV32IM: its C twin is in eb_triple_s8.h.
 *
 * The compilers move five pointers at each tap, or keep sums on the stack.
 */
#ifndef EB_TRIPLE_S8_RISCV_H
#define EB_TRIPLE_S8_RISCV_H

/* clang-format off */

/* One tap times one channel; `tap` is its offset from the weights. */
#define EB_TRIPLE_CHANNEL(tap, weights, first, second)                                             \
    "lb t3, " tap "(%[" weights "])\n"                                                           \
    "mul t4, t3, t5\n"                                                                       \
    "mul t3, t3, t6\n"                                                                       \
    "add %[" first "], %[" first "], t4\n"                                                       \
    "add %[" second "], %[" second "], t3\n"

/* One tap times four channels; at0, at1: offsets of its values. */
#define EB_TRIPLE_STEP(tap, at0, at1)                                                              \
    "lw t5, " at0 "(%[values])\n"                                                                \
    "lw t6, " at1 "(%[values])\n"                                                                \
    EB_TRIPLE_CHANNEL(tap, "w0", "a0", "b0")                                                       \
    EB_TRIPLE_CHANNEL(tap, "w1", "a1", "b1")                                                       \
    EB_TRIPLE_CHANNEL(tap, "w2", "a2", "b2")                                                       \
    EB_TRIPLE_CHANNEL(tap, "w3", "a3", "b3")

/* `count` taps, up to as many as the steps of `body`, and on to the next ones. */
#define EB_STEPS_TRIPLE(count, bytes, body)                                                        \
    __asm__("1:\n"                                                                                 \
            body                                                                                   \
            "addi %[values], %[values], " bytes "\n"                                               \
            "addi %[w0], %[w0], " count "\n"                                                       \
            "addi %[w1], %[w1], " count "\n"                                                       \
            "addi %[w2], %[w2], " count "\n"                                                       \
            "addi %[w3], %[w3], " count "\n"                                                       \
            "bne %[values], %[end], 1b\n"                                                          \
            : [values] "+r"(values), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3),   \
              [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [b0] "+r"(b0),           \
              [b1] "+r"(b1), [b2] "+r"(b2), [b3] "+r"(b3)                                          \
            : [end] "r"(end)                                                                       \
            : "t3", "t4", "t5", "t6", "memory")

/* A run of taps times four channels, whose weights are `stride` bytes apart: two words each. */
EB_KERNEL void eb_triple_sums(
    const uint32_t *values, int32_t taps, const int8_t *weights, int32_t stride, uint32_t *words)
{
    const uint32_t *last = values + 2 * taps;
    const int8_t *w0 = weights;
    const int8_t *w1 = w0 + stride;
    const int8_t *w2 = w1 + stride;
    const int8_t *w3 = w2 + stride;
    uint32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    uint32_t b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    const uint32_t *end = values + 2 * (taps & ~3);
    if (end != values) {
        EB_STEPS_TRIPLE("4", "32",
                        EB_TRIPLE_STEP("0", "0", "4")
                        EB_TRIPLE_STEP("1", "8", "12")
                        EB_TRIPLE_STEP("2", "16", "20")
                        EB_TRIPLE_STEP("3", "24", "28"));
    }
    end = last;
    if (end != values) {
        EB_STEPS_TRIPLE("1", "8", EB_TRIPLE_STEP("0", "0", "4"));
    }
    words[0] = a0;
    words[1] = b0;
    words[2] = a1;
    words[3] = b1;
    words[4] = a2;
    words[5] = b2;
    words[6] = a3;
    words[7] = b3;
}

/* clang-format on */

#endif /* EB_TRIPLE_S8_RISCV_H */
