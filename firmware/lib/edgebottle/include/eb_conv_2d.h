/* 2-D convolution, one output row at a time, int8 and float32.
 *
 * Operands of the int8 kernel:
 *   rows        kernel_height pointers to input rows of input_width x input_channels; a row outside
 *               of the image is NULL
 *   out         output_width pixels of output_channels, out_pixel_stride elements apart
 *   weights     output_channels x kernel_height x kernel_width x (input_channels / groups)
 *   bias        output_channels; holds -input_zero_point * (sum of the channel's weights) already
 *   multiplier, shift   output_channels, see eb_requantize
 *   scratch     not used by eb_conv_2d_s8_row
 *
 * eb_conv_2d_s16_row has activations of 16 bits: low and high are of int16.
 * eb_conv_2d_s8_wide_row has weights of 16 bits, and a bias that holds nothing else.
 * eb_conv_2d_s8_triple_row is the scalar kernel for layers without groups, and
 * eb_conv_2d_s8_packed_row has weights packed by edgebottle/ops/packing.py instead, and fast
 * requantization; eb_conv_2d_s8_mve_row has bias and scales packed by mve_packing.py. Their scratch
 * is what edgebottle/ops/conv_2d_kernels.py says.
 */
#ifndef EB_CONV_2D_H
#define EB_CONV_2D_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "eb_dsp.h"
#include "eb_rows.h"
#include "eb_requant.h"

/* All sizes count elements of the tensors. Those of a window are narrow, as every layer has them in
 * flash. */
typedef struct {
    int32_t input_width;      /* >= 1 */
    int32_t input_channels;   /* >= 1, a multiple of groups */
    int32_t output_width;     /* >= 1 */
    int32_t output_channels;  /* >= 1, a multiple of groups */
    int32_t groups;           /* >= 1 */
    uint16_t kernel_height;   /* >= 1 */
    uint16_t kernel_width;    /* >= 1 */
    uint16_t stride_width;    /* >= 1 */
    uint16_t dilation_width;  /* >= 1 */
    int16_t pad_left;         /* columns from the first window to the image; may be below 0 */
    int16_t low;              /* -128 .. 127, bounds of the fused activation */
    int16_t high;             /* low .. 127 */
    int8_t input_zero_point;  /* -128 .. 127 */
    int8_t output_zero_point; /* -128 .. 127 */
} eb_conv_2d;

/* A whole layer of packed weights, all of it in flash. */
typedef struct {
    eb_conv_2d params;
    eb_walk walk;
    int32_t out_pixel_stride;
    const void *weights;
    const int32_t *requant;
    void *scratch;
} eb_conv_2d_packed;

/* The same with weights and requant in RAM, where they are copied to first. */
typedef struct {
    eb_conv_2d_packed packed; /* its requant follows its weights */
    const uint32_t *from;     /* both in flash */
    int32_t words;            /* of both, a multiple of 4 */
} eb_conv_2d_copied;

/* The same for float32, where zero points have no meaning. */
typedef struct {
    int32_t input_width;
    int32_t input_channels;
    int32_t output_width;
    int32_t output_channels;
    int32_t kernel_height;
    int32_t kernel_width;
    int32_t stride_width;
    int32_t dilation_width;
    int32_t pad_left;
    int32_t groups;
    float low;
    float high;
} eb_conv_2d_f32;

#if EB_HAVE_DSP
#include "../kernels/dsp/eb_dot_s8.h"
#endif
#include "../kernels/portable/eb_conv_2d_s8.h"
#include "../kernels/portable/eb_conv_2d_s8_wide.h"
#include "../kernels/portable/eb_conv_2d_s16.h"
#if EB_HAVE_DSP
#include "../kernels/dsp/eb_conv_2d_s8_packed.h"
#include "../kernels/dsp/eb_conv_2d_counts.h"
#include "../kernels/dsp/eb_conv_2d_slices.h"
#include "../kernels/dsp/eb_conv_2d_fields.h"
#include "../kernels/dsp/eb_conv_2d_levels.h"
#else
#include "../kernels/scalar/eb_conv_2d_s8_triple.h"
#include "../kernels/scalar/eb_conv_2d_tables.h"
#endif
#include "../kernels/mve/eb_conv_2d_s8_mve.h"
#if EB_HAS_NEON_KERNELS
#include "../kernels/neon/eb_conv_2d_s8_neon.h"
#include "../kernels/neon/eb_conv_2d_few_neon.h"
#include "../kernels/neon/eb_conv_2d_s8_dot.h"
#endif
#include "../kernels/portable/eb_conv_2d_f32.h"

#endif /* EB_CONV_2D_H */
