/* Packing and unpacking of whole vectors with NEON: see ../../include/eb_bits.h. */
#ifndef EB_BITS_NEON_H
#define EB_BITS_NEON_H

#include "../../include/eb_neon.h"

#if EB_HAVE_NEON

/* 64 elements of 1 bit, four of them in the low bits of each byte. */
static inline uint8x16_t eb_bits_fours(const uint8_t *in, uint8x16_t lowest)
{
    const uint8x16x4_t apart = vld4q_u8(in);
    uint8x16_t fours = vsubq_u8(apart.val[0], lowest);
    fours = vsliq_n_u8(fours, vsubq_u8(apart.val[1], lowest), 1);
    fours = vsliq_n_u8(fours, vsubq_u8(apart.val[2], lowest), 2);
    return vsliq_n_u8(fours, vsubq_u8(apart.val[3], lowest), 3);
}

/* Packs as many sixteens of bytes as `count` elements fill; returns what is left. lowest: of the
 * elements, a byte. */
EB_INLINED int32_t
eb_bits_pack_vectors(const int8_t **in, int32_t count, int32_t bits, uint32_t lowest, uint8_t **out)
{
    const uint8x16_t low = vdupq_n_u8((uint8_t)lowest);
    for (; count >= 128 / bits; count -= 128 / bits) {
        const uint8_t *from = (const uint8_t *)*in;
        uint8x16_t packed;
        if (bits == 4) {
            const uint8x16x2_t apart = vld2q_u8(from);
            packed = vsubq_u8(apart.val[0], low);
            packed = vsliq_n_u8(packed, vsubq_u8(apart.val[1], low), 4);
        } else if (bits == 2) {
            const uint8x16x4_t apart = vld4q_u8(from);
            packed = vsubq_u8(apart.val[0], low);
            packed = vsliq_n_u8(packed, vsubq_u8(apart.val[1], low), 2);
            packed = vsliq_n_u8(packed, vsubq_u8(apart.val[2], low), 4);
            packed = vsliq_n_u8(packed, vsubq_u8(apart.val[3], low), 6);
        } else {
            const uint8x16x2_t halves =
                vuzpq_u8(eb_bits_fours(from, low), eb_bits_fours(from + 64, low));
            packed = vsliq_n_u8(halves.val[0], halves.val[1], 4);
        }
        vst1q_u8(*out, packed);
        *in += 128 / bits;
        *out += 16;
    }
    return count;
}

/* The inverse, of 4 and of 2 bits. */
EB_INLINED int32_t eb_bits_unpack_vectors(
    const uint8_t **in, int32_t count, int32_t bits, uint32_t lowest, int8_t **out)
{
    const uint8x16_t low = vdupq_n_u8((uint8_t)lowest);
    const uint8x16_t mask = vdupq_n_u8((uint8_t)((1 << bits) - 1));
    for (; bits > 1 && count >= 128 / bits; count -= 128 / bits) {
        const uint8x16_t codes = vld1q_u8(*in);
        if (bits == 4) {
            uint8x16x2_t apart;
            apart.val[0] = vaddq_u8(vandq_u8(codes, mask), low);
            apart.val[1] = vaddq_u8(vshrq_n_u8(codes, 4), low);
            vst2q_u8((uint8_t *)*out, apart);
        } else {
            uint8x16x4_t apart;
            apart.val[0] = vaddq_u8(vandq_u8(codes, mask), low);
            apart.val[1] = vaddq_u8(vandq_u8(vshrq_n_u8(codes, 2), mask), low);
            apart.val[2] = vaddq_u8(vandq_u8(vshrq_n_u8(codes, 4), mask), low);
            apart.val[3] = vaddq_u8(vshrq_n_u8(codes, 6), low);
            vst4q_u8((uint8_t *)*out, apart);
        }
        *in += 16;
        *out += 128 / bits;
    }
    return count;
}

#endif

#endif /* EB_BITS_NEON_H */
