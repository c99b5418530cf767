/* Depthwise 2-D convolution, one output row at a time, int8 and float32.
 *
 * Operands of the int8 kernel:
 *   rows        kernel_height pointers to input rows of input_width x input_channels; a row outside
 *               of the image is NULL
 *   out         output_width pixels of input_channels x depth_multiplier, out_pixel_stride elements
 *               apart; output channel c * depth_multiplier + m belongs to input channel c
 *   weights     kernel_height x kernel_width x output channels
 *   bias        output channels; holds -input_zero_point * (sum of the channel's weights) already
 *   multiplier, shift   output channels, see eb_requantize
 *   scratch     DSP variant with depth_multiplier 1: 4-byte aligned, 8 bytes for each tap of the
 *               window and 1 byte for each input channel; else not used
 */
#ifndef EB_DEPTHWISE_CONV_2D_H
#define EB_DEPTHWISE_CONV_2D_H

#include <stddef.h>
#include <stdint.h>

#include "eb_dsp.h"
#include "eb_requant.h"

/* All sizes count elements of the tensors. */
typedef struct {
    int32_t input_width;       /* >= 1 */
    int32_t input_channels;    /* >= 1 */
    int32_t output_width;      /* >= 1 */
    int32_t depth_multiplier;  /* >= 1 */
    int32_t kernel_height;     /* >= 1 */
    int32_t kernel_width;      /* >= 1 */
    int32_t stride_width;      /* >= 1 */
    int32_t dilation_width;    /* >= 1 */
    int32_t pad_left;          /* >= 0 */
    int32_t input_zero_point;  /* -128 .. 127 */
    int32_t output_zero_point; /* -128 .. 127 */
    int32_t low;               /* -128 .. 127, bounds of the fused activation */
    int32_t high;              /* low .. 127 */
} eb_depthwise_conv_2d;

/* The same for float32, where zero points have no meaning. */
typedef struct {
    int32_t input_width;
    int32_t input_channels;
    int32_t output_width;
    int32_t depth_multiplier;
    int32_t kernel_height;
    int32_t kernel_width;
    int32_t stride_width;
    int32_t dilation_width;
    int32_t pad_left;
    float low;
    float high;
} eb_depthwise_conv_2d_f32;

#include "../kernels/portable/eb_depthwise_conv_2d_s8.h"
#if EB_HAVE_DSP
#include "../kernels/dsp/eb_depthwise_conv_2d_s8.h"
#endif
#include "../kernels/portable/eb_depthwise_conv_2d_f32.h"

#endif /* EB_DEPTHWISE_CONV_2D_H */
