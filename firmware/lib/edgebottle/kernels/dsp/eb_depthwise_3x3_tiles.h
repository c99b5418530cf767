/* The tiles of a depthwise 3x3 convolution with the DSP instructions: see eb_depthwise_3x3_s8.h.
 *
 * They are assembly because compilers run out of registers; the C twins below them say what they
 * do.
 */
#ifndef EB_DEPTHWISE_3X3_TILES_DSP_H
#define EB_DEPTHWISE_3X3_TILES_DSP_H

/* Words of a group of the strip: four channels of three. */
#define EB_DEPTHWISE_3X3_GROUP 12

/* Words of a channel's record: five pairs of weights, bias, multiplier, offset. */
#define EB_DEPTHWISE_3X3_RECORD 8

/* LiteRT rounds halves away from zero. Where outputs go on below the zero point, tiles by sign take
 * from negative sums twice what the offset has below its half of an output. */
#define EB_DEPTHWISE_3X3_JUMP(offset, shift) (2 * ((offset) & ((1 << ((shift) - 1)) - 1)))

#if defined(__ARM_FEATURE_DSP)

/* Widens four channels of the pixels that `taps` .. `end` - 1 point to, from `channel` on. */
EB_KERNEL void
eb_depthwise_3x3_widen(const eb_tap *taps, const eb_tap *end, int32_t channel, uint32_t *strip)
{
    register const eb_tap *r0 __asm__("r0") = taps;
    register const eb_tap *r1 __asm__("r1") = end;
    register int32_t r2 __asm__("r2") = channel;
    register uint32_t *r3 __asm__("r3") = strip;
    __asm__ volatile("push {r4-r11}\n"
                     "1:\n"
                     "ldm r0!, {r4-r9}\n"
                     "ldr r4, [r4, r2]\n"
                     "ldr r5, [r5, r2]\n"
                     "ldr r6, [r6, r2]\n"
                     "ldr r7, [r7, r2]\n"
                     "ldr r8, [r8, r2]\n"
                     "ldr r9, [r9, r2]\n"
                     "pkhbt r10, r4, r6, lsl #16\n" /* channels 0 and 1 */
                     "pkhtb r4, r6, r4, asr #16\n"  /* channels 2 and 3 */
                     "pkhbt r11, r5, r7, lsl #16\n"
                     "pkhtb r5, r7, r5, asr #16\n"
                     "pkhbt r12, r8, r9, lsl #16\n"
                     "pkhtb r8, r9, r8, asr #16\n"
                     "sxtb16 r6, r10\n"
                     "sxtb16 r7, r11\n"
                     "sxtb16 r9, r12\n"
                     "stm r3!, {r6, r7, r9}\n"
                     "sxtb16 r6, r10, ror #8\n"
                     "sxtb16 r7, r11, ror #8\n"
                     "sxtb16 r9, r12, ror #8\n"
                     "stm r3!, {r6, r7, r9}\n"
                     "sxtb16 r6, r4\n"
                     "sxtb16 r7, r5\n"
                     "sxtb16 r9, r8\n"
                     "stm r3!, {r6, r7, r9}\n"
                     "sxtb16 r6, r4, ror #8\n"
                     "sxtb16 r7, r5, ror #8\n"
                     "sxtb16 r9, r8, ror #8\n"
                     "stm r3!, {r6, r7, r9}\n"
                     "cmp r0, r1\n"
                     "bne 1b\n"
                     "pop {r4-r11}\n"
                     : "+r"(r0), "+r"(r3)
                     : "r"(r1), "r"(r2)
                     : "r12", "cc", "memory");
}

/* What both strides begin with. On the stack: stride, end, bias twice, strip, out, record, channels
 * left, span of the pixels that the loop writes, whether one more follows, and what is taken from
 * negative sums. Then for each channel: r3-r7 weights, r8 bias, r9 multiplier, r10 offset, r12
 * strip, lr out. */
#define EB_DEPTHWISE_3X3_BEGIN(frame, pixels_of_loop, keep_jump)                                   \
    "push {r4-r11}\n"                                                                              \
    "sub sp, #" #frame "\n"                                                                        \
    "str r3, [sp, #0]\n"                                                                           \
    "strd r0, r2, [sp, #16]\n"                                                                     \
    "movs r4, #4\n"                                                                                \
    "strd r1, r4, [sp, #24]\n"                                                                     \
    "and r5, r12, #1\n" pixels_of_loop "mul r12, r12, r3\n"                                        \
    "strd r12, r5, [sp, #32]\n"                                                                    \
    "1:\n"                                                                                         \
    "ldrd r12, lr, [sp, #16]\n"                                                                    \
    "ldr r0, [sp, #32]\n"                                                                          \
    "add r0, lr\n"                                                                                 \
    "str r0, [sp, #4]\n"                                                                           \
    "add r0, r12, #12\n"                                                                           \
    "add r1, lr, #1\n"                                                                             \
    "strd r0, r1, [sp, #16]\n"                                                                     \
    "ldr r0, [sp, #24]\n"                                                                          \
    "ldm r0!, {r3-r10}\n" keep_jump "str r0, [sp, #24]\n"                                          \
    "ldm r12, {r0-r2}\n"                                                                           \
    "add r12, #48\n"

#define EB_DEPTHWISE_3X3_END(frame)                                                                \
    "ldr r0, [sp, #28]\n"                                                                          \
    "subs r0, #1\n"                                                                                \
    "str r0, [sp, #28]\n"                                                                          \
    "bne 1b\n"                                                                                     \
    "add sp, #" #frame "\n"                                                                        \
    "pop {r4-r11}\n"

/* clang-format off */

/* An output within int8, or few bits. */
#define EB_DEPTHWISE_3X3_SATURATE(sum, shift, saturate, bits)                                      \
    #saturate " " sum ", #" #bits ", " sum ", asr #" #shift "\n"

/* A sum scaled: all alike, or less of negative ones, which takes r0. */
#define EB_DEPTHWISE_3X3_ALIKE(sum) "smmla " sum ", " sum ", r9, r10\n"
#define EB_DEPTHWISE_3X3_BY_SIGN(sum)                                                              \
    "cmp " sum ", #0\n"                                                                            \
    "smmla " sum ", " sum ", r9, r10\n"                                                            \
    "it mi\n"                                                                                      \
    "submi " sum ", " sum ", r0\n"
#define EB_DEPTHWISE_3X3_TAKEN "ldr r0, [sp, #40]\n"
#define EB_DEPTHWISE_3X3_AGAIN "ldr r0, [r12, #-48]\n"
#define EB_DEPTHWISE_3X3_KEEP_JUMP(shift)                                                          \
    "ubfx r1, r10, #0, #" #shift "-1\n"                                                            \
    "lsls r1, r1, #1\n"                                                                            \
    "str r1, [sp, #40]\n"
#define EB_DEPTHWISE_3X3_KEEP_NONE(shift)

/* The row of four channels, two pixels a turn: each group ends the sums of the last two pixels and
 * begins those of the next two. */
#define EB_DEPTHWISE_3X3_STEP_1(frame, KEEP, taken, again, SCALED, shift, saturate, bits)          \
    EB_DEPTHWISE_3X3_BEGIN(frame, "sub r12, r5\n", KEEP(shift))                                    \
    "strd r8, r8, [sp, #8]\n"                                                                      \
    "smlad r11, r1, r3, r8\n"                                                                      \
    "smlad r8, r0, r3, r8\n"                                                                       \
    "smlatb r11, r2, r6, r11\n"                                                                    \
    "smlad r8, r1, r4, r8\n"                                                                       \
    "smlad r8, r2, r6, r8\n"                                                                       \
    "2:\n"                                                                                         \
    "ldm r12, {r0-r2}\n"                                                                           \
    "add r12, #48\n"                                                                               \
    "smlad r8, r0, r5, r8\n"                                                                       \
    "smlad r11, r0, r4, r11\n"                                                                     \
    "smlad r11, r1, r5, r11\n"                                                                     \
    "smlabt r8, r2, r7, r8\n"                                                                      \
    "smlad r11, r2, r7, r11\n"                                                                     \
    taken SCALED("r8") SCALED("r11") again                                                         \
    EB_DEPTHWISE_3X3_SATURATE("r8", shift, saturate, bits)                                         \
    EB_DEPTHWISE_3X3_SATURATE("r11", shift, saturate, bits)                                        \
    "strb r8, [lr]\n"                                                                              \
    "ldr r8, [sp, #0]\n"                                                                           \
    "strb r11, [lr, r8]\n"                                                                         \
    "add lr, lr, r8, lsl #1\n"                                                                     \
    "ldrd r8, r11, [sp, #8]\n"                                                                     \
    "smlad r8, r0, r3, r8\n"                                                                       \
    "ldr r0, [sp, #4]\n"                                                                           \
    "smlad r11, r1, r3, r11\n"                                                                     \
    "smlad r8, r1, r4, r8\n"                                                                       \
    "smlatb r11, r2, r6, r11\n"                                                                    \
    "smlad r8, r2, r6, r8\n"                                                                       \
    "cmp lr, r0\n"                                                                                 \
    "bne 2b\n"                                                                                     \
    "ldr r0, [sp, #36]\n"                                                                          \
    "cbz r0, 3f\n"                                                                                 \
    "ldm r12, {r0-r2}\n"                                                                           \
    "smlad r8, r0, r5, r8\n"                                                                       \
    "smlabt r8, r2, r7, r8\n"                                                                      \
    taken SCALED("r8")                                                                             \
    EB_DEPTHWISE_3X3_SATURATE("r8", shift, saturate, bits)                                         \
    "strb r8, [lr]\n"                                                                              \
    "3:\n" EB_DEPTHWISE_3X3_END(frame)

/* The same with every second pixel: each group ends the sum of one and begins that of the next. */
#define EB_DEPTHWISE_3X3_STEP_2(frame, KEEP, taken, again, SCALED, shift, saturate, bits)          \
    EB_DEPTHWISE_3X3_BEGIN(frame, "", KEEP(shift))                                                 \
    "smlad r11, r0, r3, r8\n"                                                                      \
    "smlad r11, r1, r4, r11\n"                                                                     \
    "smlad r11, r2, r6, r11\n"                                                                     \
    "2:\n"                                                                                         \
    "ldm r12, {r0-r2}\n"                                                                           \
    "add r12, #48\n"                                                                               \
    "smlad r11, r0, r5, r11\n"                                                                     \
    "smlabt r11, r2, r7, r11\n"                                                                    \
    taken SCALED("r11") again                                                                      \
    EB_DEPTHWISE_3X3_SATURATE("r11", shift, saturate, bits)                                        \
    "strb r11, [lr]\n"                                                                             \
    "smlad r11, r0, r3, r8\n"                                                                      \
    "smlad r11, r1, r4, r11\n"                                                                     \
    "smlad r11, r2, r6, r11\n"                                                                     \
    "ldrd r0, r1, [sp, #0]\n"                                                                      \
    "add lr, r0\n"                                                                                 \
    "cmp lr, r1\n"                                                                                 \
    "bne 2b\n" EB_DEPTHWISE_3X3_END(frame)

#define EB_DEPTHWISE_3X3_BY_1(...)                                                                 \
    EB_DEPTHWISE_3X3_STEP_1(40, EB_DEPTHWISE_3X3_KEEP_NONE, "", "", EB_DEPTHWISE_3X3_ALIKE, __VA_ARGS__)
#define EB_DEPTHWISE_3X3_BY_2(...)                                                                 \
    EB_DEPTHWISE_3X3_STEP_2(40, EB_DEPTHWISE_3X3_KEEP_NONE, "", "", EB_DEPTHWISE_3X3_ALIKE, __VA_ARGS__)
#define EB_DEPTHWISE_3X3_BY_1_AND_SIGN(...)                                                        \
    EB_DEPTHWISE_3X3_STEP_1(44, EB_DEPTHWISE_3X3_KEEP_JUMP, EB_DEPTHWISE_3X3_TAKEN,                \
                            EB_DEPTHWISE_3X3_AGAIN, EB_DEPTHWISE_3X3_BY_SIGN, __VA_ARGS__)
#define EB_DEPTHWISE_3X3_BY_2_AND_SIGN(...)                                                        \
    EB_DEPTHWISE_3X3_STEP_2(44, EB_DEPTHWISE_3X3_KEEP_JUMP, EB_DEPTHWISE_3X3_TAKEN,                \
                            EB_DEPTHWISE_3X3_AGAIN, EB_DEPTHWISE_3X3_BY_SIGN, __VA_ARGS__)

/* clang-format on */

#define EB_DEPTHWISE_3X3_TILE(name, body)                                                          \
    EB_KERNEL void name(const uint32_t *strip, const int32_t *records, int8_t *out,                \
                        int32_t stride, int32_t width)                                             \
    {                                                                                              \
        register const uint32_t *r0 __asm__("r0") = strip;                                         \
        register const int32_t *r1 __asm__("r1") = records;                                        \
        register int8_t *r2 __asm__("r2") = out;                                                   \
        register int32_t r3 __asm__("r3") = stride;                                                \
        register int32_t r12 __asm__("r12") = width;                                               \
        __asm__ volatile(body                                                                      \
                         : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12)                       \
                         :                                                                         \
                         : "lr", "cc", "memory");                                                  \
    }

#else

static inline void
eb_depthwise_3x3_widen(const eb_tap *taps, const eb_tap *end, int32_t channel, uint32_t *strip)
{
    for (; taps != end; taps += 6) {
        for (int32_t c = channel; c < channel + 4; ++c) {
            for (int32_t k = 0; k < 3; ++k) { /* two columns of rows 0 and 1, then row 2 */
                const int8_t low = k < 2 ? taps[k].tap[c] : taps[4].tap[c];
                const int8_t high = k < 2 ? taps[2 + k].tap[c] : taps[5].tap[c];
                *strip++ = ((uint32_t)low & 0xffffu) | ((uint32_t)high << 16);
            }
        }
    }
}

/* Rows 0 and 1 of a column of a channel, then its row 2 in the bottom half. */
static inline int32_t
eb_depthwise_3x3_column(const uint32_t *strip, int32_t column, int32_t upper, int32_t lower)
{
    const uint32_t *words = strip + column / 2 * EB_DEPTHWISE_3X3_GROUP;
    const uint32_t row2 = column % 2 != 0 ? words[2] >> 16 : words[2];
    const int32_t sum = eb_smlad(words[column % 2], (uint32_t)upper, 0);
    return eb_smlabb(row2, (uint32_t)lower, sum);
}

static inline void eb_depthwise_3x3_twin(const uint32_t *strip,
                                         const int32_t *records,
                                         int8_t *out,
                                         int32_t stride,
                                         int32_t width,
                                         int32_t step,
                                         int32_t shift,
                                         int32_t bits,
                                         int32_t by_sign)
{
    const int32_t low = bits == 8 ? -128 : 0;
    const int32_t high = bits == 8 ? 127 : (1 << bits) - 1;
    for (int32_t c = 0; c < 4; ++c) {
        const int32_t *r = records + c * EB_DEPTHWISE_3X3_RECORD;
        const uint32_t *from = strip + c * 3;
        for (int32_t x = 0; x < width; ++x) {
            int32_t acc = r[5];
            acc = eb_add_wrap(acc, eb_depthwise_3x3_column(from, x * step, r[0], r[3]));
            acc = eb_add_wrap(acc, eb_depthwise_3x3_column(from, x * step + 1, r[1], r[4]));
            acc = eb_add_wrap(acc, eb_depthwise_3x3_column(from, x * step + 2, r[2], r[4] >> 16));
            const int32_t taken = by_sign && acc < 0 ? EB_DEPTHWISE_3X3_JUMP(r[7], shift) : 0;
            const int32_t scaled = (int32_t)(((int64_t)acc * r[6]) >> 32) + r[7] - taken;
            out[x * stride + c] = (int8_t)eb_clamp(scaled >> shift, low, high);
        }
    }
}

#define EB_DEPTHWISE_3X3_BY_1(shift, saturate, bits) 1, shift, bits, 0
#define EB_DEPTHWISE_3X3_BY_2(shift, saturate, bits) 2, shift, bits, 0
#define EB_DEPTHWISE_3X3_BY_1_AND_SIGN(shift, saturate, bits) 1, shift, bits, 1
#define EB_DEPTHWISE_3X3_BY_2_AND_SIGN(shift, saturate, bits) 2, shift, bits, 1
#define EB_DEPTHWISE_3X3_TILE(name, how_it_steps)                                                  \
    EB_KERNEL void name(const uint32_t *strip, const int32_t *records, int8_t *out,                \
                        int32_t stride, int32_t width)                                             \
    {                                                                                              \
        const int32_t how[] = {how_it_steps};                                                      \
        eb_depthwise_3x3_twin(strip, records, out, stride, width, how[0], how[1], how[2], how[3]); \
    }

#endif

/* One for each shift that packing may choose, and for outputs of int8 or of few values, which are
 * counted from 0 on; a model has those that it calls. */
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8, EB_DEPTHWISE_3X3_BY_1(8, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_4, EB_DEPTHWISE_3X3_BY_1(8, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_3, EB_DEPTHWISE_3X3_BY_1(8, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_2, EB_DEPTHWISE_3X3_BY_1(8, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_1, EB_DEPTHWISE_3X3_BY_1(8, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(8, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_4_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(8, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_3_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(8, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_2_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(8, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_8_to_1_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(8, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10, EB_DEPTHWISE_3X3_BY_1(10, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_4, EB_DEPTHWISE_3X3_BY_1(10, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_3, EB_DEPTHWISE_3X3_BY_1(10, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_2, EB_DEPTHWISE_3X3_BY_1(10, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_1, EB_DEPTHWISE_3X3_BY_1(10, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(10, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_4_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(10, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_3_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(10, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_2_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(10, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_10_to_1_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(10, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12, EB_DEPTHWISE_3X3_BY_1(12, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_4, EB_DEPTHWISE_3X3_BY_1(12, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_3, EB_DEPTHWISE_3X3_BY_1(12, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_2, EB_DEPTHWISE_3X3_BY_1(12, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_1, EB_DEPTHWISE_3X3_BY_1(12, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(12, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_4_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(12, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_3_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(12, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_2_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(12, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_1_shift_12_to_1_sign,
                      EB_DEPTHWISE_3X3_BY_1_AND_SIGN(12, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8, EB_DEPTHWISE_3X3_BY_2(8, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_4, EB_DEPTHWISE_3X3_BY_2(8, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_3, EB_DEPTHWISE_3X3_BY_2(8, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_2, EB_DEPTHWISE_3X3_BY_2(8, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_1, EB_DEPTHWISE_3X3_BY_2(8, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(8, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_4_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(8, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_3_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(8, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_2_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(8, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_8_to_1_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(8, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10, EB_DEPTHWISE_3X3_BY_2(10, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_4, EB_DEPTHWISE_3X3_BY_2(10, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_3, EB_DEPTHWISE_3X3_BY_2(10, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_2, EB_DEPTHWISE_3X3_BY_2(10, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_1, EB_DEPTHWISE_3X3_BY_2(10, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(10, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_4_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(10, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_3_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(10, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_2_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(10, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_10_to_1_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(10, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12, EB_DEPTHWISE_3X3_BY_2(12, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_4, EB_DEPTHWISE_3X3_BY_2(12, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_3, EB_DEPTHWISE_3X3_BY_2(12, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_2, EB_DEPTHWISE_3X3_BY_2(12, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_1, EB_DEPTHWISE_3X3_BY_2(12, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(12, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_4_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(12, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_3_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(12, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_2_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(12, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_by_2_shift_12_to_1_sign,
                      EB_DEPTHWISE_3X3_BY_2_AND_SIGN(12, usat, 1))

#endif /* EB_DEPTHWISE_3X3_TILES_DSP_H */
