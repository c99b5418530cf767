/* GATHER, GATHER_ND and EMBEDDING_LOOKUP: slices of a tensor by their indices. Indices that lie
 * outside take the nearest slice. */
#ifndef EB_GATHER_H
#define EB_GATHER_H

#include <stdint.h>
#include <string.h>

#include "eb_requant.h"

/* For each of `batches` parts: `outer` blocks of `extent` slices, of which `count` are taken in the
 * order of the part's indices. */
typedef struct {
    int32_t batches;
    int32_t outer;
    int32_t extent;
    int32_t count;
    int32_t slice_bytes;
} eb_gather;

/* `count` slices, each by `depth` indices, which count as digits of a number. */
typedef struct {
    int32_t count;
    int32_t depth;
    int32_t extents[6];
    int32_t slice_bytes;
} eb_gather_nd;

#include "../kernels/portable/eb_gather.h"

#endif /* EB_GATHER_H */
