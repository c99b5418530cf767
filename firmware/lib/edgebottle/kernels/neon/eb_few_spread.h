/* Rows of few bits, spread for the kernels of eb_few.h: a byte for each code, or planes of bits.
 *
 * A row reaches from the first column of the first window to the last one of the last window;
 * columns outside of the image hold the zero point.
 */
#ifndef EB_FEW_SPREAD_H
#define EB_FEW_SPREAD_H

#include <string.h>

#include "../../include/eb_bits.h"
#include "eb_few_vectors.h"

/* The even bits of two bytes in the low one, the odd ones in the high one. */
static inline uint32_t eb_spread_unzip(uint32_t word)
{
    uint32_t moved = (word ^ word >> 1) & 0x2222u;
    word ^= moved ^ moved << 1;
    moved = (word ^ word >> 2) & 0x0c0cu;
    word ^= moved ^ moved << 2;
    moved = (word ^ word >> 4) & 0x00f0u;
    return word ^ moved ^ moved << 4;
}

/* Codes of 2 bits to two planes, `apart` bytes from each other; bytes: an even number. */
static inline void
eb_spread_planes_2(const uint8_t *from, int32_t bytes, uint8_t *to, int32_t apart)
{
#if defined(__aarch64__) && EB_HAVE_NEON
    /* Of two codes the low bits, and four places above them the high bits. */
    static const uint8_t table[16] = {0x00, 0x01, 0x10, 0x11, 0x02, 0x03, 0x12, 0x13,
                                      0x20, 0x21, 0x30, 0x31, 0x22, 0x23, 0x32, 0x33};
    const uint8x16_t low_codes = vld1q_u8(table);
    const uint8x16_t high_codes = vshlq_n_u8(low_codes, 2);
    for (; bytes >= 32; bytes -= 32) {
        const uint8x16x2_t codes = vld2q_u8(from);
        uint8x16_t even = vqtbl1q_u8(low_codes, vandq_u8(codes.val[0], vdupq_n_u8(15)));
        uint8x16_t odd = vqtbl1q_u8(low_codes, vandq_u8(codes.val[1], vdupq_n_u8(15)));
        even = vorrq_u8(even, vqtbl1q_u8(high_codes, vshrq_n_u8(codes.val[0], 4)));
        odd = vorrq_u8(odd, vqtbl1q_u8(high_codes, vshrq_n_u8(codes.val[1], 4)));
        vst1q_u8(to, vsliq_n_u8(even, odd, 4));
        vst1q_u8(to + apart, vsriq_n_u8(odd, even, 4));
        from += 32;
        to += 16;
    }
#endif
    for (; bytes > 0; bytes -= 2) {
        const uint32_t word = eb_spread_unzip((uint32_t)from[0] | (uint32_t)from[1] << 8);
        to[0] = (uint8_t)word;
        to[apart] = (uint8_t)(word >> 8);
        ++to;
        from += 2;
    }
}

/* How rows are spread. */
typedef struct {
    int32_t bits;        /* of a code: 1, 2, 4 or 8 */
    int32_t is_planes;   /* of 1 or 2 bits */
    int32_t column;      /* bytes of a column that is spread, of a plane where there are planes */
    int32_t columns;     /* of a row that is spread */
    int32_t plane_bytes; /* from one plane to the next */
    int32_t row_bytes;   /* from one row to the next: >= planes and what is read beyond them */
} eb_few_rows;

/* `columns` of the zero point. */
static inline void
eb_few_fill(const eb_few_rows *r, int32_t zero_point, int32_t columns, uint8_t *to)
{
    const size_t bytes = (size_t)(columns * r->column);
    if (!r->is_planes) {
        memset(to, zero_point, bytes);
        return;
    }
    for (int32_t bit = 0; bit < r->bits; ++bit) {
        memset(to + bit * r->plane_bytes, (zero_point >> bit & 1) != 0 ? 0xff : 0, bytes);
    }
}

/* `bytes` that are stored. */
static inline void
eb_few_spread(const eb_few_rows *r, const uint8_t *from, int32_t bytes, uint8_t *to)
{
    if (r->is_planes) {
        if (r->bits == 2) {
            eb_spread_planes_2(from, bytes, to, r->plane_bytes);
        } else {
            memcpy(to, from, (size_t)bytes);
        }
    } else if (r->bits == 8) {
        memcpy(to, from, (size_t)bytes);
    } else if (r->bits == 4) {
        eb_bits_unpack(from, 2 * bytes, 4, 0, (int8_t *)to);
    } else if (r->bits == 2) {
        eb_bits_unpack(from, 4 * bytes, 2, 0, (int8_t *)to);
    } else {
        eb_bits_unpack(from, 8 * bytes, 1, 0, (int8_t *)to);
    }
}

/* The sums of the codes in each byte of `height` rows whose bits lie in planes. They fit bytes. */
static inline void
eb_few_byte_sums(const eb_few_rows *r, int32_t height, const uint8_t *rows, uint8_t *to)
{
    for (int32_t k = 0; k < r->plane_bytes; k += 16) {
        const uint8_t *row = rows + k;
        eb_neon_bytes sums = eb_bytes_zero();
        for (int32_t ky = 0; ky < height; ++ky) {
            const eb_neon_bytes low = eb_bytes_load(row);
            sums = eb_bytes_add(sums, eb_bytes_count(low, low));
            if (r->bits > 1) {
                const eb_neon_bytes high = eb_bytes_load(row + r->plane_bytes);
                const eb_neon_bytes count = eb_bytes_count(high, high);
                sums = eb_bytes_add(sums, eb_bytes_add(count, count));
            }
            row += r->row_bytes;
        }
        eb_bytes_store(to + k, sums);
    }
}

/* Spreads the rows of a window of CONV_2D; p: input_channels counts the stored bytes of a pixel,
 * and input_zero_point is a code. */
static inline void
eb_few_spread_rows(const eb_conv_2d *p, const eb_few_rows *r, const void *const *rows, uint8_t *to)
{
    const int32_t first = eb_max(-p->pad_left, 0);
    const int32_t left = eb_min(eb_max(p->pad_left, 0), r->columns);
    const int32_t inside = eb_max(eb_min(p->input_width - first, r->columns - left), 0);
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
        const uint8_t *row = (const uint8_t *)rows[ky];
        if (row == NULL) {
            eb_few_fill(r, p->input_zero_point, r->columns, to);
        } else {
            eb_few_fill(r, p->input_zero_point, left, to);
            eb_few_spread(r, row + first * p->input_channels, inside * p->input_channels,
                          to + left * r->column);
            eb_few_fill(r, p->input_zero_point, r->columns - left - inside,
                        to + (left + inside) * r->column);
        }
        to += r->row_bytes;
    }
}

#endif /* EB_FEW_SPREAD_H */
