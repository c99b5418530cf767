/* CUMSUM: running sums along one axis. */
#ifndef EB_CUMSUM_H
#define EB_CUMSUM_H

#include <stdint.h>

#include "eb_requant.h"

/* outer x extent x inner elements, each >= 1. */
typedef struct {
    int32_t outer;
    int32_t extent;
    int32_t inner;
    int32_t exclusive; /* 1: each sum without its own element */
    int32_t reverse;   /* 1: from the end on */
} eb_cumsum;

#include "../kernels/portable/eb_cumsum.h"

#endif /* EB_CUMSUM_H */
