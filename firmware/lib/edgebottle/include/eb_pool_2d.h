/* What AVERAGE_POOL_2D and MAX_POOL_2D share: the window, and where it stands. */
#ifndef EB_POOL_2D_H
#define EB_POOL_2D_H

#include <stddef.h>
#include <stdint.h>

#include "eb_requant.h"

typedef struct {
    int32_t in_width;       /* pixels of an input row, >= 1 */
    int32_t channels;       /* >= 1 */
    int32_t out_width;      /* pixels of an output row, >= 1 */
    int32_t window_height;  /* input rows, >= 1 */
    int32_t window_width;   /* pixels, >= 1 */
    int32_t stride_width;   /* pixels, >= 1 */
    int32_t padding_left;   /* pixels, >= 0, < window_width */
    int32_t activation_min; /* int8: -128 .. 127 */
    int32_t activation_max; /* int8: activation_min .. 127 */
} eb_pool_2d;

typedef struct {
    int32_t in_width;
    int32_t channels;
    int32_t out_width;
    int32_t window_height;
    int32_t window_width;
    int32_t stride_width;
    int32_t padding_left;
    float activation_min;
    float activation_max;
} eb_pool_2d_f32; /* as eb_pool_2d, for float */

/* The pixels first .. end - 1 of an input row. */
typedef struct {
    int32_t first;
    int32_t end;
} eb_pool_2d_span;

/* The part of the window of output pixel `x` that is inside of the image; never empty. */
static inline eb_pool_2d_span eb_pool_2d_window(
    int32_t x, int32_t stride, int32_t padding_left, int32_t window_width, int32_t in_width)
{
    const int32_t start = x * stride - padding_left;
    const eb_pool_2d_span span = {eb_max(start, 0), eb_min(start + window_width, in_width)};
    return span;
}

/* How many of the rows are inside of the image. */
static inline int32_t eb_pool_2d_rows(const void *const *rows, int32_t count)
{
    int32_t inside = 0;
    for (int32_t k = 0; k < count; ++k) {
        inside += rows[k] != NULL ? 1 : 0;
    }
    return inside;
}

#endif /* EB_POOL_2D_H */
