/* EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL: one output row of 0 and 1, operands
 * broadcast by strides of 0. What is no number is neither less nor equal nor greater: 0, but for
 * NOT_EQUAL.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and bytes, and out_pixel_stride == extent[2].
 */
#ifndef EB_COMPARISON_H
#define EB_COMPARISON_H

#include <stdint.h>

#include "eb_requant.h"

/* Operands that are compared as they are stored. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t less;    /* the result where a < b, 0 or 1 */
    int32_t equal;   /* where a == b */
    int32_t greater; /* where a > b */
} eb_comparison;

/* int8 or int16, brought to one scale with 8 bits behind the point. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t less;         /* the result where a < b, 0 or 1 */
    int32_t equal;        /* where a == b */
    int32_t greater;      /* where a > b */
    int32_t a_zero_point; /* -128 .. 127; int16: 0 */
    int32_t a_multiplier; /* 0 .. 2^31 - 1 */
    int32_t a_shift;      /* -31 .. 0 */
    int32_t b_zero_point;
    int32_t b_multiplier;
    int32_t b_shift;
} eb_comparison_s8;

#include "../kernels/portable/eb_comparison.h"

#endif /* EB_COMPARISON_H */
