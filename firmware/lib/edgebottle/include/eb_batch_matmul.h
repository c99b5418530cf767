/* BATCH_MATMUL: products of matrices, int8, int16 and float32. Strides count elements, 0 where an
 * operand is broadcast; unused axes of batches come first and have one element. */
#ifndef EB_BATCH_MATMUL_H
#define EB_BATCH_MATMUL_H

#include <stdint.h>

#include "edgebottle.h"
#include "eb_requant.h"

#define EB_BATCH_AXES (EB_MAX_RANK - 2)

typedef struct {
    int32_t batches[EB_BATCH_AXES]; /* >= 1 */
    int32_t a_batch_strides[EB_BATCH_AXES];
    int32_t b_batch_strides[EB_BATCH_AXES];
    int32_t rows;    /* >= 1 */
    int32_t columns; /* >= 1 */
    int32_t depth;   /* 1 .. 32767 */
    int32_t a_row_stride;
    int32_t a_depth_stride;
    int32_t b_depth_stride;
    int32_t b_column_stride;
    int32_t a_zero_point;   /* -128 .. 127 */
    int32_t b_zero_point;   /* -128 .. 127 */
    int32_t out_zero_point; /* -128 .. 127 */
    int32_t multiplier;     /* 0 .. 2^31 - 1 */
    int32_t shift;          /* -31 .. 30 */
} eb_batch_matmul;

/* The same for float32. */
typedef struct {
    int32_t batches[EB_BATCH_AXES];
    int32_t a_batch_strides[EB_BATCH_AXES];
    int32_t b_batch_strides[EB_BATCH_AXES];
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t a_row_stride;
    int32_t a_depth_stride;
    int32_t b_depth_stride;
    int32_t b_column_stride;
} eb_batch_matmul_f32;

#include "../kernels/portable/eb_batch_matmul_f32.h"
#include "../kernels/portable/eb_batch_matmul_s16.h"
#include "../kernels/portable/eb_batch_matmul_s8.h"

#endif /* EB_BATCH_MATMUL_H */
