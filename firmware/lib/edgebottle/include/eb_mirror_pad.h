/* MIRROR_PAD: a tensor between mirror images of its edges. Only bytes move. */
#ifndef EB_MIRROR_PAD_H
#define EB_MIRROR_PAD_H

#include <string.h>

#include "edgebottle.h"
#include "eb_requant.h"

/* Unused axes come first and have one element. */
typedef struct {
    int32_t element_bytes;          /* >= 1 */
    int32_t edge;                   /* 1: the outermost element is the mirror; 0: its far side is */
    int32_t in_shape[EB_MAX_RANK];  /* >= 1 */
    int32_t out_shape[EB_MAX_RANK]; /* >= in_shape */
    int32_t before[EB_MAX_RANK];    /* 0 .. in_shape - edge */
} eb_mirror_pad;

/* The index of the input that an index of the output mirrors. */
static inline int32_t eb_mirror_pad_index(const eb_mirror_pad *p, int32_t axis, int32_t index)
{
    const int32_t place = index - p->before[axis];
    const int32_t last = p->in_shape[axis] - 1;
    if (place < 0) {
        return p->edge - 1 - place;
    }
    return place > last ? 2 * last - place + 1 - p->edge : place;
}

/* Writes all of the output, which the input does not overlap. */
EB_KERNEL void eb_mirror_pad_all(const eb_mirror_pad *p, const void *in, void *out)
{
    const uint8_t *from = (const uint8_t *)in;
    uint8_t *to = (uint8_t *)out;
    int32_t index[EB_MAX_RANK] = {0};
    int32_t axis = 0;
    while (axis >= 0) {
        int32_t element = 0;
        for (axis = 0; axis < EB_MAX_RANK; ++axis) {
            element = element * p->in_shape[axis] + eb_mirror_pad_index(p, axis, index[axis]);
        }
        memcpy(to, from + element * p->element_bytes, (size_t)p->element_bytes);
        to += p->element_bytes;
        for (axis = EB_MAX_RANK - 1; axis >= 0; --axis) {
            if (++index[axis] < p->out_shape[axis]) {
                break;
            }
            index[axis] = 0;
        }
    }
}

#endif /* EB_MIRROR_PAD_H */
