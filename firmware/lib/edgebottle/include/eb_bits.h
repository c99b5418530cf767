/* Rows whose elements have 1, 2 or 4 bits: between them and rows of int8.
 *
 * A pixel begins with a byte; its elements lie one behind the other from the lowest bit on. Element
 * value = stored bits + lowest.
 */
#ifndef EB_BITS_H
#define EB_BITS_H

#include <stddef.h>
#include <stdint.h>

#include "eb_dsp.h"
#include "eb_requant.h"

typedef struct {
    int32_t pixels;   /* of a row; >= 1 */
    int32_t channels; /* of a pixel; >= 1 */
    int32_t lowest;   /* -128 .. 127: the value of stored bits of 0 */
} eb_bits;

#if EB_HAS_NEON_KERNELS
#include "../kernels/neon/eb_bits_neon.h"
#endif
#include "../kernels/portable/eb_bits.h"

#endif /* EB_BITS_H */
