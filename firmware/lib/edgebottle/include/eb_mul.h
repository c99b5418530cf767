/* MUL: one output row of a * b, operands broadcast by strides of 0.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and out_pixel_stride == extent[2].
 */
#ifndef EB_MUL_H
#define EB_MUL_H

#include <stdint.h>

/* int8, and int16 with zero points of 0, a shift of at most 0 and bounds of its own. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t a_zero_point;   /* -128 .. 127 */
    int32_t b_zero_point;   /* -128 .. 127 */
    int32_t out_zero_point; /* -128 .. 127 */
    int32_t multiplier;     /* 0 .. 2^31 - 1 */
    int32_t shift;          /* -31 .. 13 */
    int32_t low;            /* -128 <= low <= high <= 127 */
    int32_t high;
} eb_mul_s8;

/* int32, which wraps before it is clamped. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t low; /* low <= high */
    int32_t high;
} eb_mul_s32;

/* float32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    float low; /* low <= high */
    float high;
} eb_mul_f32;

#include "../kernels/portable/eb_mul_f32.h"
#include "../kernels/portable/eb_mul_s16.h"
#include "../kernels/portable/eb_mul_s32.h"
#include "../kernels/portable/eb_mul_s8.h"

#endif /* EB_MUL_H */
