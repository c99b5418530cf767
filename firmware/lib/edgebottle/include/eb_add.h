/* ADD and SUB: one output row of a + b_sign * b, operands broadcast by strides of 0.
 *
 * Every kernel loops over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each
 * >= 1; outer * pixels output pixels, out_pixel_stride elements apart). a_stride and b_stride hold
 * the elements from one index to the next along these axes. out may be an operand's row where that
 * operand has the output's shape and out_pixel_stride == extent[2].
 */
#ifndef EB_ADD_H
#define EB_ADD_H

#include <stdint.h>

/* int8, and int16 with zero points of 0 and bounds of its own. The shifts are -31 .. 0, the
 * multipliers 0 .. 2^31 - 1; a_multiplier and b_multiplier lead to a common scale of at most half
 * of the operand's (so that the sum fits int32). */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t a_zero_point; /* -128 .. 127 */
    int32_t a_multiplier;
    int32_t a_shift;
    int32_t b_zero_point; /* -128 .. 127 */
    int32_t b_multiplier;
    int32_t b_shift;
    int32_t b_sign;         /* 1 or -1 */
    int32_t out_zero_point; /* -128 .. 127 */
    int32_t out_multiplier;
    int32_t out_shift;
    int32_t low; /* -128 <= low <= high <= 127 */
    int32_t high;
} eb_add_s8;

/* int32, which wraps before it is clamped. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t b_sign; /* 1 or -1 */
    int32_t low;    /* low <= high */
    int32_t high;
} eb_add_s32;

/* float32. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t b_sign; /* 1 or -1 */
    float low;      /* low <= high */
    float high;
} eb_add_f32;

#include "../kernels/portable/eb_add_f32.h"
#include "../kernels/portable/eb_add_s16.h"
#include "../kernels/portable/eb_add_s32.h"
#include "../kernels/portable/eb_add_s8.h"

#include "../kernels/neon/eb_add_s8_neon.h"

#endif /* EB_ADD_H */
