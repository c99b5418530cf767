/* CONCATENATION of tensors that could not be written in place, of any element type. */
#ifndef EB_CONCATENATION_H
#define EB_CONCATENATION_H

#include <string.h>

#include "eb_requant.h"

/* Copies one input (row) into its place in the output.
 *
 * in: `outer` x `inner` x `bytes` bytes, contiguous; NULL when this row is another input's.
 * out: place of the first byte; outer and inner blocks are `outer_stride` and `inner_stride` bytes
 * apart. outer, inner, bytes >= 1.
 */
EB_KERNEL void eb_concatenation_copy(const void *in,
                                     void *out,
                                     int32_t outer,
                                     int32_t outer_stride,
                                     int32_t inner,
                                     int32_t inner_stride,
                                     int32_t bytes)
{
    if (in == NULL) {
        return;
    }
    const uint8_t *from = (const uint8_t *)in;
    for (int32_t o = 0; o < outer; ++o) {
        uint8_t *to = (uint8_t *)out + o * outer_stride;
        for (int32_t i = 0; i < inner; ++i) {
            memcpy(to + i * inner_stride, from, (size_t)bytes);
            from += bytes;
        }
    }
}

#endif /* EB_CONCATENATION_H */
