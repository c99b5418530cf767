/* Depthwise convolution with a window of any size, int8, with the DSP instructions: see
 * eb_depthwise_conv_2d.h.
 *
 * Four channels at a time. Their pixels under an output row, less the zero point, are widened into
 * a strip of words that hold two rows each: [channel][pair of rows][column]. A tile is four output
 * pixels of one channel; a SMLAD takes two taps of one of them. Pairs of rows that are all padding
 * are left out.
 *
 * The tile is assembly because compilers run out of registers; its C twin says what it does.
 */
#ifndef EB_DEPTHWISE_WINDOW_S8_DSP_H
#define EB_DEPTHWISE_WINDOW_S8_DSP_H

/* How a tile walks over the strip of its channel. */
typedef struct eb_depthwise_walk {
    int32_t taps;  /* words of weights for each pair of rows: two columns in each */
    int32_t skip;  /* bytes from the end of one pair of rows to the next, less those read */
    int32_t pairs; /* pairs of rows */
} eb_depthwise_walk;

#if defined(__ARM_FEATURE_DSP)

EB_FIELD_AT(eb_depthwise_walk, taps, 0);
EB_FIELD_AT(eb_depthwise_walk, skip, 4);
EB_FIELD_AT(eb_depthwise_walk, pairs, 8);

/* Bytes 0 and 2 of `word`, sign-extended, added to the halves of `to`. */
static inline uint32_t eb_sxtab16(uint32_t to, uint32_t word)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(to), "r"(word));
    return result;
}

/* The same with bytes 1 and 3. */
static inline uint32_t eb_sxtab16_ror8(uint32_t to, uint32_t word)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(to), "r"(word));
    return result;
}

#define EB_DEPTHWISE_WINDOW_TILE(name, body)                                                       \
    EB_KERNEL void name(const uint32_t *strip, const int8_t *weights,                              \
                        const eb_depthwise_walk *walk, int32_t *acc)                               \
    {                                                                                              \
        register const uint32_t *r0 __asm__("r0") = strip;                                         \
        register const int8_t *r1 __asm__("r1") = weights;                                         \
        register const eb_depthwise_walk *r2 __asm__("r2") = walk;                                 \
        register int32_t *r3 __asm__("r3") = acc;                                                  \
        __asm__ volatile("push {r3-r11}\n"                                                         \
                         "ldm r2, {r4-r6}\n"                                                       \
                         "sub sp, #12\n"                                                           \
                         "stm sp, {r4-r6}\n"                                                       \
                         "mov r2, r4\n"                                                            \
                         "ldm r3, {r3, r11, r12, lr}\n"                                            \
                         "1:\n" body "subs r2, #1\n"                                               \
                         "bne 1b\n"                                                                \
                         "ldm sp, {r2, r4, r5}\n"                                                  \
                         "add r0, r4\n"                                                            \
                         "subs r5, #1\n"                                                           \
                         "str r5, [sp, #8]\n"                                                      \
                         "bne 1b\n"                                                                \
                         "add sp, #12\n"                                                           \
                         "pop {r4}\n"                                                              \
                         "stm r4, {r3, r11, r12, lr}\n"                                            \
                         "pop {r4-r11}\n"                                                          \
                         : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)                                  \
                         :                                                                         \
                         : "r12", "lr", "cc", "memory");                                           \
    }

/* Output pixels next to each other: word k is tap 0 of pixel k, and tap 1 of the one before. */
EB_DEPTHWISE_WINDOW_TILE(eb_depthwise_window_stride_1,
                         "ldm r0, {r4-r8}\n"
                         "ldr r9, [r1], #4\n"
                         "add r0, #8\n"
                         "sxtb16 r10, r9\n"
                         "sxtb16 r9, r9, ror #8\n"
                         "smlad r3, r4, r10, r3\n"
                         "smlad r11, r5, r10, r11\n"
                         "smlad r12, r6, r10, r12\n"
                         "smlad lr, r7, r10, lr\n"
                         "smlad r3, r5, r9, r3\n"
                         "smlad r11, r6, r9, r11\n"
                         "smlad r12, r7, r9, r12\n"
                         "smlad lr, r8, r9, lr\n")

/* Every second pixel: words 2k and 2k + 1 are taps 0 and 1 of pixel k. */
EB_DEPTHWISE_WINDOW_TILE(eb_depthwise_window_stride_2,
                         "ldr r9, [r1], #4\n"
                         "ldm r0!, {r4-r7}\n"
                         "sxtb16 r10, r9\n"
                         "sxtb16 r9, r9, ror #8\n"
                         "smlad r3, r4, r10, r3\n"
                         "smlad r11, r6, r10, r11\n"
                         "smlad r3, r5, r9, r3\n"
                         "smlad r11, r7, r9, r11\n"
                         "ldm r0, {r4-r7}\n"
                         "sub r0, #8\n"
                         "smlad r12, r4, r10, r12\n"
                         "smlad lr, r6, r10, lr\n"
                         "smlad r12, r5, r9, r12\n"
                         "smlad lr, r7, r9, lr\n")

#else

static inline uint32_t eb_sxtab16(uint32_t to, uint32_t word)
{
    const uint32_t wide = eb_sxtb16(word);
    return ((to + wide) & 0xffffu) | ((to & 0xffff0000u) + (wide & 0xffff0000u));
}

static inline uint32_t eb_sxtab16_ror8(uint32_t to, uint32_t word)
{
    return eb_sxtab16(to, word >> 8);
}

static inline void eb_depthwise_window_twin(const uint32_t *strip,
                                            const int8_t *weights,
                                            const eb_depthwise_walk *walk,
                                            int32_t *acc,
                                            int32_t step)
{
    for (int32_t pair = 0; pair < walk->pairs; ++pair) {
        for (int32_t tap = 0; tap < walk->taps; ++tap) {
            const uint32_t word = eb_load_word(weights);
            for (int32_t k = 0; k < 4; ++k) {
                const int32_t both = eb_smlad(strip[k * step], eb_sxtb16(word), 0);
                acc[k] =
                    eb_add_wrap(acc[k], eb_smlad(strip[k * step + 1], eb_sxtb16_ror8(word), both));
            }
            strip += 2;
            weights += 4;
        }
        strip += walk->skip / 4;
    }
}

static inline void eb_depthwise_window_stride_1(const uint32_t *strip,
                                                const int8_t *weights,
                                                const eb_depthwise_walk *walk,
                                                int32_t *acc)
{
    eb_depthwise_window_twin(strip, weights, walk, acc, 1);
}

static inline void eb_depthwise_window_stride_2(const uint32_t *strip,
                                                const int8_t *weights,
                                                const eb_depthwise_walk *walk,
                                                int32_t *acc)
{
    eb_depthwise_window_twin(strip, weights, walk, acc, 2);
}

#endif

/* Widens four channels of `count` pixels of two rows into four planes of the strip. The second row
 * may be missing, the first not. */
EB_KERNEL void eb_depthwise_window_widen(const eb_depthwise_window *p,
                                         const int8_t *upper,
                                         const int8_t *lower,
                                         int32_t count,
                                         uint32_t *to,
                                         int32_t plane)
{
    const uint32_t outside = ((uint32_t)p->input_zero_point & 0xffu) * 0x01010101u;
    const uint32_t centre = ((uint32_t)-p->input_zero_point & 0xffffu) * 0x00010001u;
    const int32_t step = upper != NULL ? p->channels : 0;
    const int32_t lower_step = lower != NULL ? p->channels : 0;
    const int8_t *from = upper != NULL ? upper : (const int8_t *)&outside;
    const int8_t *below = lower != NULL ? lower : (const int8_t *)&outside;
    for (; count != 0; --count) {
        const uint32_t a = eb_load_word(from);
        const uint32_t b = eb_load_word(below);
        const uint32_t first = (a & 0xffffu) | (b << 16);    /* channels 0 and 1 */
        const uint32_t last = (a >> 16) | (b & 0xffff0000u); /* channels 2 and 3 */
        to[0] = eb_sxtab16(centre, first);
        to[plane] = eb_sxtab16_ror8(centre, first);
        to[2 * plane] = eb_sxtab16(centre, last);
        to[3 * plane] = eb_sxtab16_ror8(centre, last);
        from += step;
        below += lower_step;
        ++to;
    }
}

/* One output row. */
EB_INLINED void eb_depthwise_window_s8_row_inlined(const eb_depthwise_window *p,
                                                   const void *const *rows,
                                                   int8_t *out,
                                                   int32_t out_pixel_stride,
                                                   const int8_t *weights,
                                                   const int32_t *bias,
                                                   const int32_t *multiplier,
                                                   const int8_t *shift,
                                                   void *scratch,
                                                   eb_depthwise_window_tile *tile)
{
    const eb_output_s8 output = {p->output_zero_point, p->low, p->high};
    const int32_t pairs = (p->kernel_height + 1) / 2;
    const int32_t taps = (p->kernel_width + 1) / 2;
    const int32_t step = 4 * p->stride_width;
    uint32_t *strip = (uint32_t *)scratch;
    eb_depthwise_walk walk = {taps, 4 * p->columns - 8 * taps, 0};
    int32_t first = pairs;
    for (int32_t k = 0; k < p->kernel_height; ++k) {
        if (rows[k] != NULL) {
            first = eb_min(first, k / 2);
            walk.pairs = k / 2 + 1 - first;
        }
    }
    const int32_t plane = walk.pairs * p->columns;
    memset(strip, 0, (size_t)(16 * plane));
    for (int32_t c = 0; c < p->channels; c += 4) {
        /* The last four channels begin earlier where the channels are no multiple of four. */
        const int32_t channel = eb_min(c, p->channels - 4);
        for (int32_t k = 0; k < walk.pairs; ++k) {
            const int32_t row = 2 * (first + k);
            const int8_t *upper = (const int8_t *)rows[row];
            const int8_t *lower = row + 1 < p->kernel_height ? (const int8_t *)rows[row + 1] : NULL;
            eb_depthwise_window_widen(p, upper != NULL ? upper + channel : NULL,
                                      lower != NULL ? lower + channel : NULL, p->pixels,
                                      strip + k * p->columns + p->pad_left, plane);
        }
        for (int32_t o = channel; o < channel + 4; ++o) {
            const uint32_t *from = strip + (o - channel) * plane;
            const int8_t *weight = weights + 4 * taps * (pairs * o + first);
            int8_t *to = out + o;
            for (int32_t x = 0; x < p->output_width; x += 4) {
                int32_t acc[4] = {bias[o], bias[o], bias[o], bias[o]};
                if (walk.pairs > 0) {
                    tile(from, weight, &walk, acc);
                }
                for (int32_t k = 0; k < 4 && x + k < p->output_width; ++k) {
                    *to = eb_requantize_sum(acc[k], multiplier[o], shift[o], output);
                    to += out_pixel_stride;
                }
                from += step;
            }
        }
    }
}

EB_KERNEL void eb_depthwise_window_s8_row(const eb_depthwise_window *p,
                                          const void *const *rows,
                                          int8_t *out,
                                          int32_t out_pixel_stride,
                                          const int8_t *weights,
                                          const int32_t *bias,
                                          const int32_t *multiplier,
                                          const int8_t *shift,
                                          void *scratch,
                                          eb_depthwise_window_tile *tile)
{
    eb_depthwise_window_s8_row_inlined(p, rows, out, out_pixel_stride, weights, bias, multiplier,
                                       shift, scratch, tile);
}

#endif /* EB_DEPTHWISE_WINDOW_S8_DSP_H */
