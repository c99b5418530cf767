/* SQUARED_DIFFERENCE: one output row of (a - b)^2, operands broadcast by strides of 0.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and out_pixel_stride == extent[2].
 */
#ifndef EB_SQUARED_DIFFERENCE_H
#define EB_SQUARED_DIFFERENCE_H

#include <stdint.h>

#include "eb_requant.h"

/* int8: operands gain 7 bits and are brought to twice the larger scale. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t a_zero_point; /* -128 .. 127 */
    int32_t a_multiplier; /* 0 .. 2^31 - 1 */
    int32_t a_shift;      /* -31 .. 0 */
    int32_t b_zero_point;
    int32_t b_multiplier;
    int32_t b_shift;
    int32_t out_zero_point; /* -128 .. 127 */
    int32_t out_multiplier; /* of the square, 0 .. 2^31 - 1 */
    int32_t out_shift;      /* -31 .. 0 */
} eb_squared_difference_s8;

/* int32 and float32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
} eb_squared_difference;

#include "../kernels/portable/eb_squared_difference.h"

#endif /* EB_SQUARED_DIFFERENCE_H */
