/* Copies elements between two layouts: transpose, slice, split, pack, unpack, pad.
 *
 * One element type is as good as another: only bytes move.
 */
#ifndef EB_STRIDED_COPY_H
#define EB_STRIDED_COPY_H

#include <string.h>

#include "edgebottle.h"
#include "eb_requant.h"

/* A walk over both layouts at once. Unused axes come first and have the count 1. */
typedef struct {
    int32_t run_bytes;                /* bytes that lie together in both layouts, >= 1 */
    int32_t counts[EB_MAX_RANK];      /* runs along each axis, outermost first, >= 1 */
    int32_t in_strides[EB_MAX_RANK];  /* bytes from run to run in the input, any sign */
    int32_t out_strides[EB_MAX_RANK]; /* the same in the output */
} eb_strided_copy;

/* The innermost axis. */
static inline void eb_strided_copy_axis(const uint8_t *in,
                                        uint8_t *out,
                                        int32_t count,
                                        int32_t in_stride,
                                        int32_t out_stride,
                                        int32_t run_bytes)
{
    if (run_bytes == 1) {
        for (int32_t i = 0; i < count; ++i) {
            out[i * out_stride] = in[i * in_stride];
        }
        return;
    }
    for (int32_t i = 0; i < count; ++i) {
        memcpy(out + i * out_stride, in + i * in_stride, (size_t)run_bytes);
    }
}

/* Copies from `in`, the run of index 0 of the input, to `out`; they do not overlap. */
EB_KERNEL void eb_strided_copy_all(const eb_strided_copy *p, const void *in, void *out)
{
    const int32_t last = EB_MAX_RANK - 1;
    int32_t index[EB_MAX_RANK] = {0};
    int32_t from = 0;
    int32_t to = 0;
    int32_t axis = last;
    while (axis >= 0) {
        eb_strided_copy_axis((const uint8_t *)in + from, (uint8_t *)out + to, p->counts[last],
                             p->in_strides[last], p->out_strides[last], p->run_bytes);
        for (axis = last - 1; axis >= 0; --axis) {
            from += p->in_strides[axis];
            to += p->out_strides[axis];
            if (++index[axis] < p->counts[axis]) {
                break;
            }
            from -= p->counts[axis] * p->in_strides[axis];
            to -= p->counts[axis] * p->out_strides[axis];
            index[axis] = 0;
        }
    }
}

#endif /* EB_STRIDED_COPY_H */
