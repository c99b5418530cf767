/* BATCH_MATMUL: products of matrices, int8, int16 and float32. Strides count elements, 0 where an
 * operand is broadcast; unused axes of batches come first and have one element. */
#ifndef EB_BATCH_MATMUL_H
#define EB_BATCH_MATMUL_H

#include <stdint.h>

#include "edgebottle.h"
#include "eb_dsp.h"
#include "eb_requant.h"

#define EB_BATCH_AXES (EB_MAX_RANK - 2)

/* The batches, and the strides of both operands and of the output along them. */
typedef struct {
    int32_t batches[EB_BATCH_AXES]; /* >= 1 */
    int32_t a_strides[EB_BATCH_AXES];
    int32_t b_strides[EB_BATCH_AXES];
    int32_t out_strides[EB_BATCH_AXES];
} eb_batch_walk;

typedef struct {
    eb_batch_walk walk;
    int32_t rows;    /* >= 1 */
    int32_t columns; /* >= 1; side by side in the output */
    int32_t depth;   /* 1 .. 32767 */
    int32_t a_row_stride;
    int32_t a_depth_stride;
    int32_t b_depth_stride;
    int32_t b_column_stride;
    int32_t out_row_stride;
    int32_t a_zero_point;   /* -128 .. 127 */
    int32_t b_zero_point;   /* -128 .. 127 */
    int32_t out_zero_point; /* -128 .. 127 */
    int32_t multiplier;     /* 0 .. 2^31 - 1 */
    int32_t shift;          /* -31 .. 30; of the DSP kernels -31 .. -1 */
} eb_batch_matmul;

/* The same for float32. */
typedef struct {
    eb_batch_walk walk;
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t a_row_stride;
    int32_t a_depth_stride;
    int32_t b_depth_stride;
    int32_t b_column_stride;
    int32_t out_row_stride;
} eb_batch_matmul_f32;

/* A batch: its place along each axis, and the elements before its matrices; all 0 at first. */
typedef struct {
    int32_t index[EB_BATCH_AXES];
    int32_t a;
    int32_t b;
    int32_t out;
} eb_batch_place;

/* Goes on to the next batch; 0 where that was the last. */
EB_KERNEL int eb_batch_next(const eb_batch_walk *walk, eb_batch_place *at)
{
    for (int32_t axis = EB_BATCH_AXES - 1; axis >= 0; --axis) {
        const int32_t count = walk->batches[axis];
        at->a += walk->a_strides[axis];
        at->b += walk->b_strides[axis];
        at->out += walk->out_strides[axis];
        if (++at->index[axis] < count) {
            return 1;
        }
        at->a -= count * walk->a_strides[axis];
        at->b -= count * walk->b_strides[axis];
        at->out -= count * walk->out_strides[axis];
        at->index[axis] = 0;
    }
    return 0;
}

#include "../kernels/portable/eb_batch_matmul_f32.h"
#include "../kernels/portable/eb_batch_matmul_s16.h"
#include "../kernels/portable/eb_batch_matmul_s8.h"
#if EB_HAVE_DSP
#include "../kernels/dsp/eb_batch_matmul_s8.h"
#endif
#include "../kernels/mve/eb_batch_matmul_s8_mve.h"

#endif /* EB_BATCH_MATMUL_H */
