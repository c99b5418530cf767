/* REDUCE_MAX and REDUCE_MIN over any axes, and of bool REDUCE_ANY and REDUCE_ALL. */
#ifndef EB_REDUCE_EXTREME_H
#define EB_REDUCE_EXTREME_H

#include <stdint.h>

#include "eb_requant.h"

/* Axes are merged where they lie together, so three of each kind serve six in the model. Unused
 * ones come first and have the count 1. */
typedef struct {
    int32_t kept[3];            /* counts of the axes that stay, outermost first */
    int32_t kept_strides[3];    /* elements of the input from one to the next */
    int32_t reduced[3];         /* counts of the axes that are reduced, outermost first */
    int32_t reduced_strides[3]; /* elements of the input from one to the next */
    int32_t larger;             /* 1: the largest; 0: the smallest */
    int32_t begins_inside;      /* 1: the first element is to be beaten; 0: a finite float is */
} eb_reduce_extreme;

#include "../kernels/portable/eb_reduce_extreme.h"

#endif /* EB_REDUCE_EXTREME_H */
