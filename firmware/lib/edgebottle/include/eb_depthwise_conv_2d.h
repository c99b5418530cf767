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
#include <string.h>

#include "eb_bits.h"
#include "eb_dsp.h"
#include "eb_rows.h"
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

/* What the DSP kernel of a 3x3 window without dilation needs besides. It takes the weights, bias
 * and scales of four or more channels as records, see edgebottle/ops/depthwise_packing.py. Its
 * scratch: 48 bytes for each group, the channels' bytes (rounded up to four) and 6 pointers for
 * each group. */
typedef struct {
    int32_t input_width;      /* >= 1 */
    int32_t channels;         /* >= 4 */
    int32_t output_width;     /* >= 2 */
    int32_t groups;           /* pairs of columns under an output row and its padding */
    uint16_t pad_left;        /* >= 0 */
    int16_t input_zero_point; /* -128 .. 127 */
} eb_depthwise_3x3;

/* Four channels of one output row: strip, records, out, out_pixel_stride, output_width. */
typedef void eb_depthwise_3x3_tile(const uint32_t *, const int32_t *, int8_t *, int32_t, int32_t);

/* Outputs that are not all values of int8. Those of few bits are counted from 0 on. */
typedef struct eb_depthwise_3x3_few eb_depthwise_3x3_few;

/* Stores a row of them; int8 lie there already: parameters, bytes, out, out_pixel_stride. */
typedef void eb_depthwise_3x3_store(
    const eb_depthwise_3x3 *, const eb_depthwise_3x3_few *, int8_t *, void *, int32_t);

struct eb_depthwise_3x3_few {
    eb_depthwise_3x3_store *store;
    int32_t low;       /* -128 .. 127: the least output, that of a count of 0 */
    int32_t high;      /* low .. 127: the greatest */
    int32_t is_packed; /* they are stored as bits */
};

/* A whole layer of 3x3 windows, all of it in flash. */
typedef struct {
    eb_depthwise_3x3 params;
    eb_walk walk;
    int32_t out_pixel_stride;
    const int32_t *records;
    void *scratch;
    eb_depthwise_3x3_tile *tile;
} eb_depthwise_3x3_whole;

/* What the DSP kernel of other windows needs, without dilation along the width. Its weights are
 * packed for it; bias is the plain one, without the zero point. Its scratch: 16 bytes for each
 * pair of rows and column of the strip. */
typedef struct {
    int32_t channels;          /* >= 4 */
    int32_t output_width;      /* >= 1 */
    int32_t kernel_height;     /* >= 1 */
    int32_t kernel_width;      /* >= 1 */
    int32_t stride_width;      /* 1 or 2 */
    int32_t pad_left;          /* >= 0 */
    int32_t pixels;            /* of an input row that the windows see */
    int32_t columns;           /* of the strip: those that tiles of four output pixels read */
    int32_t input_zero_point;  /* -128 .. 127 */
    int32_t output_zero_point; /* -128 .. 127 */
    int32_t low;               /* -128 .. 127, bounds of the fused activation */
    int32_t high;              /* low .. 127 */
} eb_depthwise_window;

struct eb_depthwise_walk;

/* Four pixels of one channel: adds to four sums. */
typedef void eb_depthwise_window_tile(const uint32_t *,
                                      const int8_t *,
                                      const struct eb_depthwise_walk *,
                                      int32_t *);

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
#include "../kernels/dsp/eb_depthwise_3x3_s8.h"
#include "../kernels/dsp/eb_depthwise_window_s8.h"
#else
#include "../kernels/scalar/eb_depthwise_strip_s8.h"
#include "../kernels/scalar/eb_depthwise_pairs.h"
#endif
#include "../kernels/mve/eb_depthwise_conv_2d_s8_mve.h"
#if EB_HAS_NEON_KERNELS
#include "../kernels/neon/eb_depthwise_conv_2d_neon.h"
#include "../kernels/neon/eb_depthwise_s8_dot.h"
#endif
#include "../kernels/portable/eb_depthwise_conv_2d_f32.h"

#endif /* EB_DEPTHWISE_CONV_2D_H */
