/* DIV, FLOOR_DIV and FLOOR_MOD: one output row of quotients or of remainders of a and b, operands
 * broadcast by strides of 0, within low .. high.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and out_pixel_stride == extent[2].
 */
#ifndef EB_DIVISION_H
#define EB_DIVISION_H

#include <stdint.h>

#include "eb_fixed_functions.h"
#include "eb_math_f32.h"
#include "eb_requant.h"

/* DIV of int8. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t a_zero_point;   /* -128 .. 127 */
    int32_t b_zero_point;   /* -128 .. 127 */
    int32_t out_zero_point; /* -128 .. 127 */
    int32_t multiplier;     /* of the quotient, 0 .. 2^31 - 1 */
    int32_t shift;          /* -31 .. 23 */
    int32_t low;            /* low <= high, within -128 .. 127 */
    int32_t high;
} eb_div_s8;

/* Integers as they are stored. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t low; /* low <= high */
    int32_t high;
} eb_division_s32;

/* float32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    float low; /* low <= high */
    float high;
} eb_division_f32;

#include "../kernels/portable/eb_division.h"

#endif /* EB_DIVISION_H */
