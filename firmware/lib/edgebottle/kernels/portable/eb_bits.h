/* Packing and unpacking of rows, portable C: see ../../include/eb_bits.h. */
#ifndef EB_KERNELS_PORTABLE_BITS_H
#define EB_KERNELS_PORTABLE_BITS_H

/* Turns int8 in the bytes of a word into their distance from -128, where sums of bytes that stay
 * in their range carry nothing over; and back. */
#define EB_BITS_FLIP 0x80808080u

typedef uint32_t __attribute__((may_alias)) eb_bits_word;

/* Whether words at `address` can be read and written at once, where those that are not aligned
 * cannot: cores that take any address need no second copy of a loop. */
static inline int eb_bits_is_aligned(const void *address)
{
#if defined(__ARM_FEATURE_UNALIGNED)
    (void)address;
    return 0;
#else
    return ((uintptr_t)address & 3u) == 0;
#endif
}

/* Four elements of int8 at an address that is aligned. Compilers would make one access of both
 * kinds of what chooses between them, so that they are functions, of which one is chosen. */
static inline uint32_t eb_bits_load(const void *from)
{
    return *(const eb_bits_word *)from;
}

static inline void eb_bits_store(void *to, uint32_t word)
{
    *(eb_bits_word *)to = word;
}

/* The first four elements of `bits` bits each that `word` holds, a byte for each. */
static inline uint32_t eb_bits_spread(uint32_t word, int32_t bits)
{
    if (bits == 4) {
        const uint32_t apart = (word & 0xffu) | (word & 0xff00u) << 8;
        return (apart | apart << 4) & 0x0f0f0f0fu;
    }
    if (bits == 2) {
        const uint32_t apart = (word & 0x0fu) | (word & 0xf0u) << 12;
        return (apart | apart << 6) & 0x03030303u;
    }
    /* Bits 0 to 3 to the lowest ones of four bytes: no two products meet in one place. */
    return ((word & 0x0fu) * 0x00204081u) & 0x01010101u;
}

/* Unpacks as many fours of elements, or eights of 1 bit, as `count` has; returns what is left. */
EB_INLINED int32_t eb_bits_unpack_whole(const uint8_t **in,
                                        int32_t count,
                                        int32_t bits,
                                        uint32_t flipped,
                                        int8_t **out,
                                        void (*const store)(void *, uint32_t))
{
    const int32_t unit = bits == 1 ? 8 : 4;
    for (; count >= unit; count -= unit) {
        uint32_t word = *(*in)++;
        if (bits == 4) {
            word |= (uint32_t)*(*in)++ << 8;
        }
        store(*out, (eb_bits_spread(word, bits) + flipped) ^ EB_BITS_FLIP);
        if (bits == 1) {
            store(*out + 4, (eb_bits_spread(word >> 4, bits) + flipped) ^ EB_BITS_FLIP);
        }
        *out += unit;
    }
    return count;
}

/* Unpacks `count` elements that lie one behind the other. */
static inline void
eb_bits_unpack(const uint8_t *in, int32_t count, int32_t bits, uint32_t lowest, int8_t *out)
{
    const uint32_t flipped = lowest ^ EB_BITS_FLIP;
    int32_t phase = 0;
#if EB_HAS_NEON_KERNELS && EB_HAVE_NEON
    count = eb_bits_unpack_vectors(&in, count, bits, lowest & 0xffu, &out);
#endif
    if (eb_bits_is_aligned(out)) {
        count = eb_bits_unpack_whole(&in, count, bits, flipped, &out, eb_bits_store);
    } else {
        count = eb_bits_unpack_whole(&in, count, bits, flipped, &out, eb_store_word);
    }
    for (; count > 0; --count) {
        const uint32_t stored = ((uint32_t)in[0] >> phase) & ((1u << bits) - 1u);
        *out++ = (int8_t)(uint8_t)(stored + (lowest & 0xffu));
        phase += bits;
        in += phase / 8;
        phase %= 8;
    }
}

/* The inverse of eb_bits_spread. */
static inline uint32_t eb_bits_gather(uint32_t word, int32_t bits)
{
    if (bits == 4) {
        const uint32_t pairs = (word | word >> 4) & 0x00ff00ffu;
        return (pairs | pairs >> 8) & 0xffffu;
    }
    if (bits == 2) {
        const uint32_t pairs = (word | word >> 6) & 0x000f000fu;
        return (pairs | pairs >> 12) & 0xffu;
    }
    return (word * 0x01020408u) >> 24 & 0x0fu;
}

/* Packs as many fours of elements of 4 bits, or eights of fewer, as `count` has; returns what is
 * left: see eb_bits_pack. */
EB_INLINED int32_t eb_bits_pack_whole(const int8_t **in,
                                      int32_t count,
                                      int32_t bits,
                                      uint32_t flip,
                                      uint32_t flipped,
                                      uint8_t **out,
                                      uint32_t (*const load)(const void *))
{
    const int32_t unit = bits == 4 ? 4 : 8;
    for (; count >= unit; count -= unit) {
        uint32_t word = eb_bits_gather((load(*in) ^ flip) - flipped, bits);
        if (bits < 4) {
            word |= eb_bits_gather((load(*in + 4) ^ flip) - flipped, bits) << 4 * bits;
        }
        *(*out)++ = (uint8_t)word;
        if (bits > 1) {
            *(*out)++ = (uint8_t)(word >> 8);
        }
        *in += unit;
    }
    return count;
}

/* Packs `count` elements one behind the other; what is left of the last byte becomes 0. They are
 * int8, `flip` is EB_BITS_FLIP and `flipped` the lowest one so turned, or from 0 on: both are 0. */
static inline void eb_bits_pack(
    const int8_t *in, int32_t count, int32_t bits, uint32_t flip, uint32_t flipped, uint8_t *out)
{
    uint32_t gathered = 0;
    int32_t held = 0; /* bits of it */
#if EB_HAS_NEON_KERNELS && EB_HAVE_NEON
    count = eb_bits_pack_vectors(&in, count, bits, (flip ^ flipped) & 0xffu, &out);
#endif
    if (eb_bits_is_aligned(in)) {
        count = eb_bits_pack_whole(&in, count, bits, flip, flipped, &out, eb_bits_load);
    } else {
        count = eb_bits_pack_whole(&in, count, bits, flip, flipped, &out, eb_load_word);
    }
    if (count >= 4) { /* of fewer than 4 bits, which have eights */
        gathered = eb_bits_gather((eb_load_word(in) ^ flip) - flipped, bits);
        held = 4 * bits & 7;
        in += 4;
        count -= 4;
        if (held == 0) {
            *out++ = (uint8_t)gathered;
            gathered = 0;
        }
    }
    for (; count > 0; --count) {
        gathered |= ((((uint32_t)(uint8_t)*in++ ^ flip) - flipped) & 0xffu) << held;
        for (held += bits; held >= 8; held -= 8) {
            *out++ = (uint8_t)gathered;
            gathered >>= 8;
        }
    }
    if (held > 0) {
        *out = (uint8_t)gathered;
    }
}

/* The functions of each width are copies of their own: their loops have no branch.
 *
 * eb_unpack_row: a row of stored bits to int8.
 * eb_unpack_rows: those of `count` rows that are not NULL, to where `wide` then points.
 * eb_pack_row: a row of int8, whose values must fit, to stored bits.
 */
#define EB_BITS_OF(BITS)                                                                           \
    EB_KERNEL void eb_unpack_row_##BITS(const eb_bits *p, const uint8_t *in, int8_t *out)          \
    {                                                                                              \
        const uint32_t lowest = (uint32_t)(uint8_t)p->lowest * 0x01010101u;                        \
        for (int32_t x = 0; x < p->pixels; ++x) {                                                  \
            eb_bits_unpack(in, p->channels, BITS, lowest, out);                                    \
            in += (p->channels * BITS + 7) / 8;                                                    \
            out += p->channels;                                                                    \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    EB_KERNEL void eb_unpack_rows_##BITS(const eb_bits *p, const void *const *rows, int32_t count, \
                                         int8_t *buffer, const void **wide)                        \
    {                                                                                              \
        for (int32_t k = 0; k < count; ++k) {                                                      \
            wide[k] = NULL;                                                                        \
            if (rows[k] != NULL) {                                                                 \
                eb_unpack_row_##BITS(p, (const uint8_t *)rows[k], buffer);                         \
                wide[k] = buffer;                                                                  \
            }                                                                                      \
            buffer += p->pixels * p->channels;                                                     \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    EB_KERNEL void eb_pack_row_##BITS(const eb_bits *p, const int8_t *in, uint8_t *out,            \
                                      int32_t out_pixel_stride)                                    \
    {                                                                                              \
        const uint32_t lowest = (uint32_t)(uint8_t)p->lowest * 0x01010101u;                        \
        for (int32_t x = 0; x < p->pixels; ++x) {                                                  \
            eb_bits_pack(in, p->channels, BITS, EB_BITS_FLIP, lowest ^ EB_BITS_FLIP, out);         \
            in += p->channels;                                                                     \
            out += out_pixel_stride;                                                               \
        }                                                                                          \
    }

EB_BITS_OF(4)
EB_BITS_OF(2)
EB_BITS_OF(1)

#endif /* EB_KERNELS_PORTABLE_BITS_H */
