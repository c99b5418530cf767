/* PRELU: one output row of a where it is not negative, else a * b, operands broadcast by strides of
 * 0.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and out_pixel_stride == extent[2].
 */
#ifndef EB_PRELU_H
#define EB_PRELU_H

#include <stdint.h>

#include "eb_math_f32.h"
#include "eb_requant.h"

/* int8; int16 has shifts of at most 14 and 7, and bounds of its own. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t a_zero_point;       /* -128 .. 127 */
    int32_t b_zero_point;       /* -128 .. 127 */
    int32_t out_zero_point;     /* -128 .. 127 */
    int32_t multiplier;         /* 0 .. 2^31 - 1: of a */
    int32_t shift;              /* -31 .. 22 */
    int32_t product_multiplier; /* 0 .. 2^31 - 1: of a * b */
    int32_t product_shift;      /* -31 .. 13 */
    int32_t low;                /* -128 <= low <= high <= 127 */
    int32_t high;
} eb_prelu_s8;

/* float32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    float low; /* low <= high */
    float high;
} eb_prelu_f32;

#include "../kernels/portable/eb_prelu.h"

#endif /* EB_PRELU_H */
