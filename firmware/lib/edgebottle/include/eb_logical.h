/* Operators on bool, that is bytes of 0 and 1: LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT, and SELECT and
 * SELECT_V2, which choose by one. One output row; operands broadcast by strides of 0.
 *
 * Kernels loop over extent[0] x extent[1] x extent[2] elements (outer, pixels, channels, each >= 1;
 * outer * pixels output pixels, out_pixel_stride elements apart). The strides hold the elements
 * from one index to the next along these axes. out may be an operand's row where that operand has
 * the output's shape and bytes, and out_pixel_stride == extent[2].
 */
#ifndef EB_LOGICAL_H
#define EB_LOGICAL_H

#include <stdint.h>

/* Two operands. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t truth; /* bit 2 * a + b is the result */
} eb_logical;

/* The second operand where the first is 1, else the third. */
typedef struct {
    int32_t extent[3];
    int32_t a_stride[3];
    int32_t b_stride[3];
    int32_t c_stride[3];
} eb_select;

#include "../kernels/portable/eb_logical.h"

#endif /* EB_LOGICAL_H */
