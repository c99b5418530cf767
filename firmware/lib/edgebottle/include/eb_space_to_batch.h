/* SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: images cut into parts, and put together again.
 *
 * An image with its border is cut into blocks; part (i, j) has the pixel (i, j) of each block. The
 * parts follow each other: part by part, image by image. Of any element type: only bytes move.
 */
#ifndef EB_SPACE_TO_BATCH_H
#define EB_SPACE_TO_BATCH_H

#include <string.h>

#include "eb_pad.h"

/* block_height * part_height >= top + height, and so along the width. */
typedef struct {
    int32_t batches;       /* images, >= 1 */
    int32_t height;        /* rows of an image without its border, >= 1 */
    int32_t width;         /* pixels of such a row, >= 1 */
    int32_t part_height;   /* rows of a part, >= 1 */
    int32_t part_width;    /* pixels of such a row, >= 1 */
    int32_t block_height;  /* rows of a block, >= 1 */
    int32_t block_width;   /* pixels of such a row, >= 1 */
    int32_t top;           /* rows of the border above an image, >= 0 */
    int32_t left;          /* pixels of the border before a row, >= 0 */
    int32_t pixel_bytes;   /* >= 1 */
    int32_t element_bytes; /* 1, 2, 4 or 8; with 8 the value is 0 */
    uint32_t value;        /* bits of an element of the border, in the lowest element_bytes */
} eb_space_to_batch;

/* Where the row y of a part lies in the images, in pixels from their start; -1 in the border. */
static inline int32_t eb_space_to_batch_row(const eb_space_to_batch *p, int32_t part, int32_t y)
{
    const int32_t place = part / p->batches / p->block_width;
    const int32_t row = y * p->block_height + place - p->top;
    return row < 0 || row >= p->height ? -1 : (part % p->batches * p->height + row) * p->width;
}

/* Where the pixel x of a row of a part lies in the row of its image; -1 in the border. */
static inline int32_t eb_space_to_batch_pixel(const eb_space_to_batch *p, int32_t part, int32_t x)
{
    const int32_t place = part / p->batches % p->block_width;
    const int32_t pixel = x * p->block_width + place - p->left;
    return pixel < 0 || pixel >= p->width ? -1 : pixel;
}

/* Cuts images into parts. */
EB_KERNEL void eb_space_to_batch_all(const eb_space_to_batch *p, const void *in, void *out)
{
    const uint8_t *from = (const uint8_t *)in;
    uint8_t *to = (uint8_t *)out;
    for (int32_t part = 0; part < p->batches * p->block_height * p->block_width; ++part) {
        for (int32_t y = 0; y < p->part_height; ++y) {
            const int32_t row = eb_space_to_batch_row(p, part, y);
            for (int32_t x = 0; x < p->part_width; ++x) {
                const int32_t pixel = eb_space_to_batch_pixel(p, part, x);
                if (row < 0 || pixel < 0) {
                    to = eb_pad_fill(to, p->pixel_bytes, p->value, p->element_bytes);
                } else {
                    memcpy(to, from + (row + pixel) * p->pixel_bytes, (size_t)p->pixel_bytes);
                    to += p->pixel_bytes;
                }
            }
        }
    }
}

/* Puts parts together to images without their border; `value` and `element_bytes` are not read. */
EB_KERNEL void eb_batch_to_space_all(const eb_space_to_batch *p, const void *in, void *out)
{
    const uint8_t *from = (const uint8_t *)in;
    uint8_t *to = (uint8_t *)out;
    for (int32_t part = 0; part < p->batches * p->block_height * p->block_width; ++part) {
        for (int32_t y = 0; y < p->part_height; ++y) {
            const int32_t row = eb_space_to_batch_row(p, part, y);
            for (int32_t x = 0; x < p->part_width; ++x) {
                const int32_t pixel = eb_space_to_batch_pixel(p, part, x);
                if (row >= 0 && pixel >= 0) {
                    memcpy(to + (row + pixel) * p->pixel_bytes, from, (size_t)p->pixel_bytes);
                }
                from += p->pixel_bytes;
            }
        }
    }
}

#endif /* EB_SPACE_TO_BATCH_H */
