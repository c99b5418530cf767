/* Depthwise 3x3 convolution whose outputs are not all of int8, with the DSP instructions. Tiles
 * count outputs of few bits from 0 on, and what stores them makes int8 or bits of them; others they
 * saturate to int8, and what stores them clamps. See eb_depthwise_conv_2d.h.
 */
#ifndef EB_DEPTHWISE_3X3_FEW_H
#define EB_DEPTHWISE_3X3_FEW_H

/* Outputs of few values to int8, where they lie. */
EB_KERNEL void eb_depthwise_3x3_as_int8(const eb_depthwise_3x3 *p,
                                        const eb_depthwise_3x3_few *few,
                                        int8_t *bytes,
                                        void *out,
                                        int32_t out_pixel_stride)
{
    const int32_t low = few->low;
    const uint32_t flipped = ((uint32_t)low & 0xffu) * 0x01010101u ^ EB_BITS_FLIP;
    const int is_dense = out_pixel_stride == p->channels;
    const int32_t count = is_dense ? p->channels * p->output_width : p->channels;
    (void)out;
    for (int32_t x = 0; x < p->output_width; x += is_dense ? p->output_width : 1) {
        int32_t k = 0;
        for (; k + 4 <= count; k += 4) {
            eb_store_word(bytes + k, (eb_load_word(bytes + k) + flipped) ^ EB_BITS_FLIP);
        }
        for (; k < count; ++k) {
            bytes[k] = (int8_t)(bytes[k] + low);
        }
        bytes += out_pixel_stride;
    }
}

#if defined(__ARM_FEATURE_DSP)

/* Each byte, an int8, within those of `low` and `high`. */
static inline uint32_t eb_clamp_bytes(uint32_t word, uint32_t low, uint32_t high)
{
    uint32_t spare;
    __asm__("ssub8 %1, %0, %2\n"
            "sel %0, %0, %2\n"
            "ssub8 %1, %3, %0\n"
            "sel %0, %0, %3\n"
            : "+&r"(word), "=&r"(spare)
            : "r"(low), "r"(high)
            : "cc");
    return word;
}

#else

static inline uint32_t eb_clamp_bytes(uint32_t word, uint32_t low, uint32_t high)
{
    uint32_t clamped = 0;
    for (int32_t at = 0; at < 32; at += 8) {
        const int8_t byte = (int8_t)(word >> at);
        const int32_t kept = eb_clamp(byte, (int8_t)(low >> at), (int8_t)(high >> at));
        clamped |= ((uint32_t)kept & 0xffu) << at;
    }
    return clamped;
}

#endif

/* Outputs of int8 within other bounds, where they lie. */
EB_KERNEL void eb_depthwise_3x3_clamped(const eb_depthwise_3x3 *p,
                                        const eb_depthwise_3x3_few *few,
                                        int8_t *bytes,
                                        void *out,
                                        int32_t out_pixel_stride)
{
    const uint32_t low = ((uint32_t)few->low & 0xffu) * 0x01010101u;
    const uint32_t high = ((uint32_t)few->high & 0xffu) * 0x01010101u;
    const int is_dense = out_pixel_stride == p->channels;
    const int32_t count = is_dense ? p->channels * p->output_width : p->channels;
    (void)out;
    for (int32_t x = 0; x < p->output_width; x += is_dense ? p->output_width : 1) {
        int32_t k = 0;
        for (; k + 4 <= count; k += 4) {
            eb_store_word(bytes + k, eb_clamp_bytes(eb_load_word(bytes + k), low, high));
        }
        for (; k < count; ++k) {
            bytes[k] = (int8_t)eb_clamp(bytes[k], few->low, few->high);
        }
        bytes += out_pixel_stride;
    }
}

/* Outputs of few values to bits. */
#define EB_DEPTHWISE_3X3_AS_BITS(BITS)                                                             \
    EB_KERNEL void eb_depthwise_3x3_as_bits_##BITS(const eb_depthwise_3x3 *p,                      \
                                                   const eb_depthwise_3x3_few *few, int8_t *bytes, \
                                                   void *out, int32_t out_pixel_stride)            \
    {                                                                                              \
        const int is_dense = 8 * out_pixel_stride == p->channels * (BITS);                         \
        const int32_t count = is_dense ? p->channels * p->output_width : p->channels;              \
        uint8_t *to = (uint8_t *)out;                                                              \
        (void)few;                                                                                 \
        for (int32_t x = 0; x < p->output_width; x += is_dense ? p->output_width : 1) {            \
            eb_bits_pack(bytes, count, BITS, 0, 0, to);                                            \
            bytes += p->channels;                                                                  \
            to += out_pixel_stride;                                                                \
        }                                                                                          \
    }

EB_DEPTHWISE_3X3_AS_BITS(4)
EB_DEPTHWISE_3X3_AS_BITS(2)
EB_DEPTHWISE_3X3_AS_BITS(1)

/* One output row; scratch: where outputs are packed, besides a byte for each. */
EB_KERNEL void eb_depthwise_3x3_few_row(const eb_depthwise_3x3 *p,
                                        const void *const *rows,
                                        void *out,
                                        int32_t out_pixel_stride,
                                        const int32_t *records,
                                        void *scratch,
                                        eb_depthwise_3x3_tile *tile,
                                        const eb_depthwise_3x3_few *few)
{
    const int32_t used = (4 * EB_DEPTHWISE_3X3_GROUP + 24) * p->groups + ((p->channels + 3) & ~3);
    int8_t *bytes = few->is_packed ? (int8_t *)scratch + used : (int8_t *)out;
    const int32_t stride = few->is_packed ? p->channels : out_pixel_stride;
    eb_depthwise_3x3_s8_row_inlined(p, rows, bytes, stride, records, scratch, tile);
    few->store(p, few, bytes, out, out_pixel_stride);
}

#endif /* EB_DEPTHWISE_3X3_FEW_H */
