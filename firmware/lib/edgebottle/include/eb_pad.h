/* PAD and PADV2: a border of one value around a tensor, of any element type. */
#ifndef EB_PAD_H
#define EB_PAD_H

#include <string.h>

#include "eb_strided_copy.h"

/* One output row: `left` pixels of the value, the input row, `right` pixels of the value. Each
 * pixel of the input row gets `before` and `after` bytes of the value around its channels. */
typedef struct {
    int32_t width;         /* pixels of the input row, >= 1 */
    int32_t pixel_bytes;   /* bytes of an input pixel, >= 1 */
    int32_t left;          /* pixels, >= 0 */
    int32_t right;         /* pixels, >= 0 */
    int32_t before;        /* bytes, >= 0 */
    int32_t after;         /* bytes, >= 0 */
    int32_t element_bytes; /* 1, 2, 4 or 8; with 8 the value is 0 */
    uint32_t value;        /* bits of the value, in the lowest element_bytes */
} eb_pad;

/* Writes `bytes` bytes of the value; returns the end. */
EB_KERNEL uint8_t *eb_pad_fill(uint8_t *out, int32_t bytes, uint32_t value, int32_t element_bytes)
{
    const int32_t step = element_bytes < 4 ? element_bytes : 4;
    if (step == 1) {
        memset(out, (int)(value & 0xFFu), (size_t)bytes);
        return out + bytes;
    }
    for (int32_t i = 0; i < bytes; ++i) {
        out[i] = (uint8_t)(value >> (8 * (i % step)));
    }
    return out + bytes;
}

/* Writes one output row. `in`: the input row, NULL for a row of the border. */
EB_KERNEL void eb_pad_row(const eb_pad *p, const void *in, void *out)
{
    const int32_t out_pixel = p->before + p->pixel_bytes + p->after;
    uint8_t *to = (uint8_t *)out;
    if (in == NULL) {
        const int32_t pixels = p->left + p->width + p->right;
        (void)eb_pad_fill(to, pixels * out_pixel, p->value, p->element_bytes);
        return;
    }
    const uint8_t *from = (const uint8_t *)in;
    to = eb_pad_fill(to, p->left * out_pixel, p->value, p->element_bytes);
    if (out_pixel == p->pixel_bytes) {
        memcpy(to, from, (size_t)(p->width * out_pixel));
        to += p->width * out_pixel;
    } else {
        for (int32_t x = 0; x < p->width; ++x) {
            to = eb_pad_fill(to, p->before, p->value, p->element_bytes);
            memcpy(to, from + x * p->pixel_bytes, (size_t)p->pixel_bytes);
            to = eb_pad_fill(to + p->pixel_bytes, p->after, p->value, p->element_bytes);
        }
    }
    (void)eb_pad_fill(to, p->right * out_pixel, p->value, p->element_bytes);
}

#endif /* EB_PAD_H */
