/* Fully connected layer, int8 and float32.
 *
 * Operands of the int8 kernel:
 *   in          batches x inputs
 *   out         batches x outputs
 *   weights     outputs x inputs
 *   bias        outputs; holds input_zero_point * (inputs * weights_zero_point - sum of the
 *               output's weights) already
 *   scales      high, low, shift of eb_scale_accumulator: outputs triples when per_channel, else
 *               one
 *
 * eb_fully_connected_s16_layer has activations of 16 bits: low and high are of int16.
 * eb_fully_connected_s8_fours_layer is the scalar kernel for weights without a zero point, and
 * eb_fully_connected_s8_packed_layer has weights packed by edgebottle/ops/packing.py instead, and
 * fast requantization. Those two have one scale for all outputs; the same named `each` have one for
 * each output.
 */
#ifndef EB_FULLY_CONNECTED_H
#define EB_FULLY_CONNECTED_H

#include <stdint.h>

#include "eb_bits.h"
#include "eb_dsp.h"
#include "eb_requant.h"

typedef struct {
    int32_t batches;            /* >= 1 */
    int32_t inputs;             /* >= 1 */
    int32_t outputs;            /* >= 1 */
    int32_t per_channel;        /* 0 or 1 */
    int32_t weights_zero_point; /* -128 .. 127 */
    int32_t output_zero_point;  /* -128 .. 127 */
    int32_t low;                /* -128 .. 127, bounds of the fused activation */
    int32_t high;               /* low .. 127 */
} eb_fully_connected;

/* The same for float32. */
typedef struct {
    int32_t batches;
    int32_t inputs;
    int32_t outputs;
    float low;
    float high;
} eb_fully_connected_f32;

#if EB_HAVE_DSP
#include "../kernels/dsp/eb_dot_s8.h"
#else
#include "../kernels/portable/eb_dot_s8.h"
#endif
#include "../kernels/portable/eb_fully_connected_s8.h"
#if EB_HAVE_DSP
#include "../kernels/dsp/eb_fully_connected_s8.h"
#include "../kernels/dsp/eb_fully_connected_levels.h"
#else
#include "../kernels/scalar/eb_fully_connected_s8_fours.h"
#endif
#include "../kernels/scalar/eb_fully_connected_masks.h"
#include "../kernels/mve/eb_fully_connected_s8_mve.h"
#if EB_HAS_NEON_KERNELS
#include "../kernels/neon/eb_fully_connected_s8_neon.h"
#include "../kernels/neon/eb_fully_connected_few_neon.h"
#include "../kernels/neon/eb_fully_connected_s8_dot.h"
#endif
#include "../kernels/portable/eb_fully_connected_f32.h"
#include "../kernels/portable/eb_fully_connected_s16.h"

#endif /* EB_FULLY_CONNECTED_H */
