/* LOG_SOFTMAX over the last axis. */
#ifndef EB_LOG_SOFTMAX_H
#define EB_LOG_SOFTMAX_H

#include <stdint.h>

#include "eb_fixed_functions.h"
#include "eb_math_f32.h"
#include "eb_requant.h"

/* int8. */
typedef struct {
    int32_t multiplier; /* from differences of the input to Q5.26 */
    int32_t shift;
    int32_t reverse_multiplier; /* and back */
    int32_t reverse_shift;      /* -31 .. 0 */
    int32_t least_difference;   /* differences below it give the lowest value */
    int32_t entries;            /* of the table of exponentials, 1 .. 256 */
} eb_log_softmax_s8;

#include "../kernels/portable/eb_log_softmax.h"

#endif /* EB_LOG_SOFTMAX_H */
