/* What every model does alike around its layers: it guards its arena and tells of its tensors. */
#ifndef EB_UPKEEP_H
#define EB_UPKEEP_H

#include "edgebottle.h"

#define EB_CANARY 0xEB0771E5u
#define EB_CANARIES 4 /* words on either side of an arena */

/* Sets the canaries on both sides of an arena, each EB_CANARIES words. */
static inline void eb_set_canaries(uint32_t *before, uint32_t *after)
{
    for (int i = 0; i < EB_CANARIES; ++i) {
        before[i] = EB_CANARY;
        after[i] = EB_CANARY;
    }
}

/* 1 as long as all of them are as they were set, else 0. */
static inline int eb_canaries_hold(const uint32_t *before, const uint32_t *after)
{
    for (int i = 0; i < EB_CANARIES; ++i) {
        if (before[i] != EB_CANARY || after[i] != EB_CANARY) {
            return 0;
        }
    }
    return 1;
}

/* Entry i of a table of `count` tensors; one whose data is NULL for an index out of range. */
static inline eb_tensor eb_tensor_of(const eb_tensor *tensors, int count, int i)
{
    static const eb_tensor none = {0};
    return i >= 0 && i < count ? tensors[i] : none;
}

/* What a step wrote: few tensors have gaps, so their strides are no part of the table, which is in
 * flash. */
typedef struct {
    uint8_t *data;
    int32_t bytes;
} eb_written;

/* Entry i of `count`, as plain bytes without gaps; data is NULL for an index out of range. */
static inline eb_tensor eb_written_by(const eb_written *written, int count, int i)
{
    eb_tensor tensor = {0};
    if (i < 0 || i >= count) {
        return tensor;
    }
    tensor.data = written[i].data;
    tensor.rank = 1;
    tensor.shape[0] = tensor.bytes = written[i].bytes;
    tensor.dtype = EB_U8;
    tensor.row_bytes = tensor.row_stride = tensor.bytes;
    tensor.pixel_bytes = tensor.pixel_stride = tensor.bytes;
    return tensor;
}

#endif
