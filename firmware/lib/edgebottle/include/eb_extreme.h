/* MAXIMUM and MINIMUM: one output row of the larger or the smaller of a and b, operands broadcast
 * by strides of 0, within low .. high. The second where they do not compare.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and out_pixel_stride == extent[2].
 */
#ifndef EB_EXTREME_H
#define EB_EXTREME_H

#include <stdint.h>

#include "eb_math_f32.h"
#include "eb_requant.h"

/* int8, and int16 with bounds of its own. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t larger; /* 1: the larger of the two; 0: the smaller */
    int32_t low;    /* low <= high */
    int32_t high;
} eb_extreme_s8;

/* int32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t larger; /* 1: the larger of the two; 0: the smaller */
    int32_t low;    /* low <= high */
    int32_t high;
} eb_extreme_s32;

/* float32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t larger; /* 1: the larger of the two; 0: the smaller */
    float low;      /* low <= high */
    float high;
} eb_extreme_f32;

#include "../kernels/portable/eb_extreme.h"

#endif /* EB_EXTREME_H */
