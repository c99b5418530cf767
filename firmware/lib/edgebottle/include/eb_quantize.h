/* QUANTIZE (from float32, and between int8 and int16) and DEQUANTIZE. */
#ifndef EB_QUANTIZE_H
#define EB_QUANTIZE_H

#include <stdint.h>

/* From float32: stored = round(real / scale) + zero_point, halves away from zero, within the range
 * of the output's type; the lowest value for NaN. */
typedef struct {
    float scale;        /* > 0 */
    int32_t zero_point; /* in low .. high */
    int32_t low;        /* range of the output's type */
    int32_t high;
} eb_quantize;

/* From integers to integers. */
typedef struct {
    int32_t in_zero_point;  /* in the range of the input's type */
    int32_t multiplier;     /* 0 .. 2^31 - 1 */
    int32_t shift;          /* -31 .. 14 */
    int32_t out_zero_point; /* in low .. high */
    int32_t low;            /* range of the output's type */
    int32_t high;
} eb_rescale;

/* To float32: real = scale * (stored - zero_point). */
typedef struct {
    float scale;        /* > 0 */
    int32_t zero_point; /* in the range of the input's type */
} eb_dequantize;

#include "../kernels/portable/eb_dequantize.h"
#include "../kernels/portable/eb_quantize_f32.h"
#include "../kernels/portable/eb_rescale_s16.h"

#endif /* EB_QUANTIZE_H */
