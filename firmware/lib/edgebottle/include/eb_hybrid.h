/* Layers of float32 whose weights are int8 (dynamic-range quantization): the input is quantized
 * when it is there, by the least and the most of its values; sums are integers; results are
 * float32.
 *
 * weights  output_channels x kernel_height x kernel_width x (input_channels / groups), or
 *          outputs x inputs
 * scales   one for each output
 * bias     one for each output
 * scratch  one image, or one row of inputs, as int8
 */
#ifndef EB_HYBRID_H
#define EB_HYBRID_H

#include <stddef.h>
#include <stdint.h>

#include "eb_math_f32.h"
#include "eb_requant.h"

typedef struct {
    int32_t batches;         /* >= 1 */
    int32_t input_height;    /* >= 1 */
    int32_t input_width;     /* >= 1 */
    int32_t input_channels;  /* >= 1, a multiple of groups */
    int32_t output_height;   /* >= 1 */
    int32_t output_width;    /* >= 1 */
    int32_t output_channels; /* >= 1, a multiple of groups */
    int32_t kernel_height;   /* >= 1 */
    int32_t kernel_width;    /* >= 1 */
    int32_t stride_height;   /* >= 1 */
    int32_t stride_width;    /* >= 1 */
    int32_t dilation_height; /* >= 1 */
    int32_t dilation_width;  /* >= 1 */
    int32_t pad_top;         /* >= 0 */
    int32_t pad_left;        /* >= 0 */
    int32_t groups;          /* >= 1 */
    int32_t is_symmetric;    /* 0 or 1: the input is quantized without a zero point */
    int32_t scales_apart;    /* 0 or 1: a sum is multiplied by both scales one after the other */
    float low;               /* bounds of the fused activation */
    float high;
} eb_conv_2d_hybrid;

typedef struct {
    int32_t batches;      /* >= 1 */
    int32_t inputs;       /* >= 1 */
    int32_t outputs;      /* >= 1 */
    int32_t is_symmetric; /* 0 or 1 */
    float low;            /* bounds of the fused activation */
    float high;
} eb_fully_connected_hybrid;

#include "../kernels/portable/eb_quantize_hybrid.h"
#include "../kernels/portable/eb_conv_2d_hybrid.h"
#include "../kernels/portable/eb_fully_connected_hybrid.h"

#endif /* EB_HYBRID_H */
