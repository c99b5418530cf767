/* ARG_MAX and ARG_MIN along one axis. */
#ifndef EB_ARG_MAX_H
#define EB_ARG_MAX_H

#include <stdint.h>

/* The input is outer x extent x inner elements, each >= 1; the output outer x inner indices. */
typedef struct {
    int32_t outer;
    int32_t extent;
    int32_t inner;
    int32_t smallest; /* 1: ARG_MIN */
} eb_arg_max;

#include "../kernels/portable/eb_arg_max.h"

#endif /* EB_ARG_MAX_H */
