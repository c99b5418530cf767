/* RELU, its kin, LEAKY_RELU and ABS of int16. */
#ifndef EB_SLOPES_H
#define EB_SLOPES_H

#include <stdint.h>

#include "eb_requant.h"

/* Multipliers and shifts of eb_requantize, with shifts of at most 14; zero points are 0. */
typedef struct {
    int32_t positive_multiplier;
    int32_t positive_shift;
    int32_t negative_multiplier;
    int32_t negative_shift;
    int32_t low; /* -32768 <= low <= high <= 32767 */
    int32_t high;
} eb_slopes;

#include "../kernels/portable/eb_slopes_s16.h"

#endif /* EB_SLOPES_H */
