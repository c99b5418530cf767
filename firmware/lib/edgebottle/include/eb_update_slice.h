/* DYNAMIC_UPDATE_SLICE: a tensor with a part of it overwritten. */
#ifndef EB_UPDATE_SLICE_H
#define EB_UPDATE_SLICE_H

#include <stdint.h>

#include "eb_strided_copy.h"

typedef struct {
    eb_strided_copy copy;         /* of the new part to the first elements of the tensor */
    int32_t bytes;                /* of the tensor */
    int32_t axes;                 /* 1 .. EB_MAX_RANK */
    int32_t room[EB_MAX_RANK];    /* elements of the tensor less those of the part, >= 0 */
    int32_t strides[EB_MAX_RANK]; /* bytes of the tensor from one index to the next */
} eb_update_slice;

/* start: the first element along each axis; where the part would not fit, the nearest. */
EB_KERNEL void eb_update_slice_all(
    const eb_update_slice *p, const void *in, const void *part, const int32_t *start, void *out)
{
    int32_t offset = 0;
    for (int32_t axis = 0; axis < p->axes; ++axis) {
        offset += eb_clamp(start[axis], 0, p->room[axis]) * p->strides[axis];
    }
    memcpy(out, in, (size_t)p->bytes);
    eb_strided_copy_all(&p->copy, part, (uint8_t *)out + offset);
}

#endif /* EB_UPDATE_SLICE_H */
