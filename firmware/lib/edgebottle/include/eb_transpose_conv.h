/* Transpose of a 2-D convolution, one output row at a time, int8 and float32.
 *
 * rows   as many pointers to input rows as a column of output pixels is reached by: row k is that
 *        of the window's row (y + pad_top) % stride_height + k * stride_height; NULL where the row
 *        lies outside of the image or of the window
 * y      number of the output row
 * out    output_width pixels of output_channels, out_pixel_stride elements apart
 * weights, bias, multiplier, shift   output_channels x kernel_height x kernel_width x
 *        input_channels, and output_channels each; see eb_requantize
 *
 * The faster kernels have weights and scales phase by phase, and what phases begin where, from
 * edgebottle/ops/transpose_conv_kernels.py, which says how much scratch they need.
 */
#ifndef EB_TRANSPOSE_CONV_H
#define EB_TRANSPOSE_CONV_H

#include <stddef.h>
#include <stdint.h>

#include "eb_conv_2d.h"
#include "eb_requant.h"

typedef struct {
    int32_t input_width;       /* >= 1 */
    int32_t input_channels;    /* >= 1 */
    int32_t output_width;      /* >= 1 */
    int32_t output_channels;   /* >= 1 */
    int32_t kernel_height;     /* >= 1 */
    int32_t kernel_width;      /* >= 1 */
    int32_t stride_height;     /* >= 1 */
    int32_t stride_width;      /* >= 1 */
    int32_t pad_top;           /* >= 0: rows of the first window before the output */
    int32_t pad_left;          /* >= 0 */
    int32_t input_zero_point;  /* -128 .. 127 */
    int32_t output_zero_point; /* -128 .. 127 */
    int32_t low;               /* -128 .. 127, bounds of the fused activation */
    int32_t high;              /* low .. 127 */
} eb_transpose_conv;

/* The same for float32, where zero points have no meaning. */
typedef struct {
    int32_t input_width;
    int32_t input_channels;
    int32_t output_width;
    int32_t output_channels;
    int32_t kernel_height;
    int32_t kernel_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t pad_top;
    int32_t pad_left;
    float low;
    float high;
} eb_transpose_conv_f32;

/* Which taps reach a pixel depends on its phase alone, its place modulo the stride: the pixels of a
 * phase are those of a convolution of stride 1. So the fast kernels of CONV_2D compute them.
 *
 * The pixels of a row that are stride_width apart, from pixel x on; row: the phase of the row. No
 * side of the window is shorter than the stride.
 */
static inline eb_conv_2d eb_transpose_conv_part(const eb_transpose_conv *p, int32_t row, int32_t x)
{
    const int32_t step = p->stride_width;
    const int32_t place = x + p->pad_left;
    const int32_t taps = (p->kernel_width - place % step + step - 1) / step;
    const eb_conv_2d part = {
        .input_width = p->input_width,
        .input_channels = p->input_channels,
        .output_width = (p->output_width - x + step - 1) / step,
        .output_channels = p->output_channels,
        .kernel_height =
            (uint16_t)((p->kernel_height - row + p->stride_height - 1) / p->stride_height),
        .kernel_width = (uint16_t)taps,
        .stride_width = 1,
        .dilation_width = 1,
        .pad_left = (int16_t)(taps - 1 - place / step),
        .groups = 1,
        .input_zero_point = (int8_t)p->input_zero_point,
        .output_zero_point = (int8_t)p->output_zero_point,
        .low = (int16_t)p->low,
        .high = (int16_t)p->high,
    };
    return part;
}

#include "../kernels/portable/eb_transpose_conv_f32.h"
#include "../kernels/portable/eb_transpose_conv_s16.h"
#include "../kernels/portable/eb_transpose_conv_s8.h"
#include "../kernels/portable/eb_transpose_conv_s8_phases.h"

#endif /* EB_TRANSPOSE_CONV_H */
