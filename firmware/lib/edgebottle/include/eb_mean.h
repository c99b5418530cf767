/* MEAN and SUM over any axes. There is no DSP variant yet. */
#ifndef EB_MEAN_H
#define EB_MEAN_H

#include <stdint.h>

#include "eb_accumulate.h"
#include "eb_requant.h"

/* Axes are merged where they lie together, so three of each kind serve six in the model. Unused
 * ones come first and have the count 1. */
typedef struct {
    int32_t kept[3];            /* counts of the axes that stay, outermost first */
    int32_t kept_strides[3];    /* elements of the input from one to the next */
    int32_t reduced[3];         /* counts of the axes that are averaged, outermost first */
    int32_t reduced_strides[3]; /* elements of the input from one to the next */
    int32_t input_zero_sum;     /* int8: zero point of the input times the elements */
    int32_t multiplier;         /* int8: of the sum, 0 .. 2^31 - 1 */
    int32_t shift;              /* int8: -31 .. 30 */
    int32_t output_zero_point;  /* int8: -128 .. 127 */
    float count;                /* float: elements averaged, or 1 for their sum */
} eb_mean;

#include "../kernels/portable/eb_mean_f32.h"
#include "../kernels/portable/eb_mean_s16.h"
#include "../kernels/portable/eb_mean_s8.h"
#include "../kernels/portable/eb_sum_s32.h"

#endif /* EB_MEAN_H */
