/* Depthwise 3x3 convolution, int8, with the DSP instructions: see eb_depthwise_conv_2d.h.
 *
 * Four channels at a time. Their columns under an output row are first widened into a strip, two
 * columns to a group, of which each channel has three words: the upper two rows of the first
 * column, of the second column (a pair of int16 each), and the lowest row of both. A SMLAD then
 * takes two taps of one channel, and the window of a channel stays in registers along the row.
 *
 * The tiles are assembly because compilers run out of registers; the C twins below them say what
 * they do.
 */
#ifndef EB_DEPTHWISE_3X3_S8_DSP_H
#define EB_DEPTHWISE_3X3_S8_DSP_H

/* Words of a group of the strip: four channels of three. */
#define EB_DEPTHWISE_3X3_GROUP 12

/* Words of a channel's record: five pairs of weights, bias, multiplier, offset. */
#define EB_DEPTHWISE_3X3_RECORD 8

/* Fills `taps` with six pointers for each group of columns: three rows of two pixels. Those out of
 * the image point to `outside`. */
static inline void eb_depthwise_3x3_taps(const eb_depthwise_3x3 *p,
                                         const void *const *rows,
                                         const int8_t *outside,
                                         eb_tap *taps,
                                         int32_t groups)
{
    for (int32_t k = 0; k < 3; ++k) {
        const int8_t *pixel = (const int8_t *)rows[k];
        eb_tap *to = taps + 2 * k; /* the pixel on the left of a group; that on the right follows */
        int32_t to_next = 1;
        int32_t left = 2 * groups;
        for (int32_t inside = 0; inside < 2; ++inside) {
            /* The padding on the left, then the pixels. */
            const int32_t most = inside ? (pixel != NULL ? p->input_width : 0) : p->pad_left;
            const int32_t count = eb_min(most, left);
            const int32_t step = inside ? p->channels : 0;
            const int8_t *tap = inside ? pixel : outside;
            left -= count;
            for (int32_t i = 0; i < count; ++i) {
                to->tap = tap;
                tap += step;
                to += to_next;
                to_next ^= 1 ^ 5;
            }
        }
        for (; left != 0; --left) {
            to->tap = outside;
            to += to_next;
            to_next ^= 1 ^ 5;
        }
    }
}

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
 * left, span of the pixels that the loop writes, whether one more follows. Then for each channel:
 * r3-r7 weights, r8 bias, r9 multiplier, r10 offset, r12 strip, lr out. */
#define EB_DEPTHWISE_3X3_BEGIN(pixels_of_loop)                                                     \
    "push {r4-r11}\n"                                                                              \
    "sub sp, #40\n"                                                                                \
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
    "ldm r0!, {r3-r10}\n"                                                                          \
    "str r0, [sp, #24]\n"                                                                          \
    "ldm r12, {r0-r2}\n"                                                                           \
    "add r12, #48\n"

#define EB_DEPTHWISE_3X3_END                                                                       \
    "ldr r0, [sp, #28]\n"                                                                          \
    "subs r0, #1\n"                                                                                \
    "str r0, [sp, #28]\n"                                                                          \
    "bne 1b\n"                                                                                     \
    "add sp, #40\n"                                                                                \
    "pop {r4-r11}\n"

/* clang-format off */

/* An output within int8, or few bits. */
#define EB_DEPTHWISE_3X3_SATURATE(sum, shift, saturate, bits)                                      \
    #saturate " " sum ", #" #bits ", " sum ", asr #" #shift "\n"

/* The row of four channels, two pixels a turn: each group ends the sums of the last two pixels and
 * begins those of the next two. */
#define EB_DEPTHWISE_3X3_BY_1(shift, saturate, bits)                                               \
    EB_DEPTHWISE_3X3_BEGIN("sub r12, r5\n")                                                        \
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
    "smmla r8, r8, r9, r10\n"                                                                      \
    "smmla r11, r11, r9, r10\n"                                                                    \
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
    "smmla r8, r8, r9, r10\n"                                                                      \
    EB_DEPTHWISE_3X3_SATURATE("r8", shift, saturate, bits)                                         \
    "strb r8, [lr]\n"                                                                              \
    "3:\n" EB_DEPTHWISE_3X3_END

/* The same with every second pixel: each group ends the sum of one and begins that of the next. */
#define EB_DEPTHWISE_3X3_BY_2(shift, saturate, bits)                                               \
    EB_DEPTHWISE_3X3_BEGIN("")                                                                     \
    "smlad r11, r0, r3, r8\n"                                                                      \
    "smlad r11, r1, r4, r11\n"                                                                     \
    "smlad r11, r2, r6, r11\n"                                                                     \
    "2:\n"                                                                                         \
    "ldm r12, {r0-r2}\n"                                                                           \
    "add r12, #48\n"                                                                               \
    "smlad r11, r0, r5, r11\n"                                                                     \
    "smlabt r11, r2, r7, r11\n"                                                                    \
    "smmla r11, r11, r9, r10\n"                                                                    \
    EB_DEPTHWISE_3X3_SATURATE("r11", shift, saturate, bits)                                        \
    "strb r11, [lr]\n"                                                                             \
    "smlad r11, r0, r3, r8\n"                                                                      \
    "smlad r11, r1, r4, r11\n"                                                                     \
    "smlad r11, r2, r6, r11\n"                                                                     \
    "ldrd r0, r1, [sp, #0]\n"                                                                      \
    "add lr, r0\n"                                                                                 \
    "cmp lr, r1\n"                                                                                 \
    "bne 2b\n" EB_DEPTHWISE_3X3_END

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
                                         int32_t bits)
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
            const int32_t scaled = (int32_t)(((int64_t)acc * r[6]) >> 32) + r[7];
            out[x * stride + c] = (int8_t)eb_clamp(scaled >> shift, low, high);
        }
    }
}

#define EB_DEPTHWISE_3X3_BY_1(shift, saturate, bits) 1, shift, bits
#define EB_DEPTHWISE_3X3_BY_2(shift, saturate, bits) 2, shift, bits
#define EB_DEPTHWISE_3X3_TILE(name, how_it_steps)                                                  \
    EB_KERNEL void name(const uint32_t *strip, const int32_t *records, int8_t *out,                \
                        int32_t stride, int32_t width)                                             \
    {                                                                                              \
        const int32_t how[] = {how_it_steps};                                                      \
        eb_depthwise_3x3_twin(strip, records, out, stride, width, how[0], how[1], how[2]);         \
    }

#endif

/* One for each shift that packing may choose, and for outputs of int8 or of few values, which are
 * counted from 0 on; a model has those that it calls. */
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_8, EB_DEPTHWISE_3X3_BY_1(8, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_8_to_4, EB_DEPTHWISE_3X3_BY_1(8, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_8_to_3, EB_DEPTHWISE_3X3_BY_1(8, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_8_to_2, EB_DEPTHWISE_3X3_BY_1(8, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_8_to_1, EB_DEPTHWISE_3X3_BY_1(8, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_10, EB_DEPTHWISE_3X3_BY_1(10, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_10_to_4, EB_DEPTHWISE_3X3_BY_1(10, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_10_to_3, EB_DEPTHWISE_3X3_BY_1(10, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_10_to_2, EB_DEPTHWISE_3X3_BY_1(10, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_10_to_1, EB_DEPTHWISE_3X3_BY_1(10, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_12, EB_DEPTHWISE_3X3_BY_1(12, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_12_to_4, EB_DEPTHWISE_3X3_BY_1(12, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_12_to_3, EB_DEPTHWISE_3X3_BY_1(12, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_12_to_2, EB_DEPTHWISE_3X3_BY_1(12, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_1_shift_12_to_1, EB_DEPTHWISE_3X3_BY_1(12, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_8, EB_DEPTHWISE_3X3_BY_2(8, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_8_to_4, EB_DEPTHWISE_3X3_BY_2(8, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_8_to_3, EB_DEPTHWISE_3X3_BY_2(8, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_8_to_2, EB_DEPTHWISE_3X3_BY_2(8, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_8_to_1, EB_DEPTHWISE_3X3_BY_2(8, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_10, EB_DEPTHWISE_3X3_BY_2(10, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_10_to_4, EB_DEPTHWISE_3X3_BY_2(10, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_10_to_3, EB_DEPTHWISE_3X3_BY_2(10, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_10_to_2, EB_DEPTHWISE_3X3_BY_2(10, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_10_to_1, EB_DEPTHWISE_3X3_BY_2(10, usat, 1))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_12, EB_DEPTHWISE_3X3_BY_2(12, ssat, 8))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_12_to_4, EB_DEPTHWISE_3X3_BY_2(12, usat, 4))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_12_to_3, EB_DEPTHWISE_3X3_BY_2(12, usat, 3))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_12_to_2, EB_DEPTHWISE_3X3_BY_2(12, usat, 2))
EB_DEPTHWISE_3X3_TILE(eb_depthwise_3x3_stride_2_shift_12_to_1, EB_DEPTHWISE_3X3_BY_2(12, usat, 1))

/* One output row. */
EB_INLINED void eb_depthwise_3x3_s8_row_inlined(const eb_depthwise_3x3 *p,
                                                const void *const *rows,
                                                int8_t *out,
                                                int32_t out_pixel_stride,
                                                const int32_t *records,
                                                void *scratch,
                                                eb_depthwise_3x3_tile *tile)
{
    const int32_t groups = p->groups;
    uint32_t *strip = (uint32_t *)scratch;
    int8_t *outside = (int8_t *)(strip + EB_DEPTHWISE_3X3_GROUP * groups);
#if UINTPTR_MAX > 0xffffffff
    eb_tap taps[6 * groups]; /* the scratch has room for the pointers of a 32-bit target */
#else
    eb_tap *taps = (eb_tap *)(void *)(outside + ((p->channels + 3) & ~3));
#endif
    memset(outside, p->input_zero_point, (size_t)p->channels);
    eb_depthwise_3x3_taps(p, rows, outside, taps, groups);
    for (int32_t c = 0; c < p->channels; c += 4) {
        /* The last four channels begin earlier where the channels are no multiple of four. */
        const int32_t channel = eb_min(c, p->channels - 4);
        eb_depthwise_3x3_widen(taps, taps + 6 * groups, channel, strip);
        tile(strip, records + channel * EB_DEPTHWISE_3X3_RECORD, out + channel, out_pixel_stride,
             p->output_width);
    }
}

EB_KERNEL void eb_depthwise_3x3_s8_row(const eb_depthwise_3x3 *p,
                                       const void *const *rows,
                                       int8_t *out,
                                       int32_t out_pixel_stride,
                                       const int32_t *records,
                                       void *scratch,
                                       eb_depthwise_3x3_tile *tile)
{
    eb_depthwise_3x3_s8_row_inlined(p, rows, out, out_pixel_stride, records, scratch, tile);
}

/* All output rows. */
EB_INLINED void eb_depthwise_3x3_s8_layer_inlined(const eb_depthwise_3x3_whole *layer)
{
    const void *rows[3];
    EB_ROLLED
    for (int32_t y = 0; y < layer->walk.output_rows; ++y) {
        int8_t *out = (int8_t *)eb_walk_to(&layer->walk, y, 3, rows);
        eb_depthwise_3x3_s8_row_inlined(&layer->params, rows, out, layer->out_pixel_stride,
                                        layer->records, eb_scratch(layer->scratch), layer->tile);
    }
}

EB_KERNEL void eb_depthwise_3x3_s8_layer(const eb_depthwise_3x3_whole *layer)
{
    eb_depthwise_3x3_s8_layer_inlined(layer);
}

#include "eb_depthwise_3x3_few.h"

#endif /* EB_DEPTHWISE_3X3_S8_DSP_H */
