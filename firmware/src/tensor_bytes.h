/* Walks over the payload bytes of a tensor, wherever its rows and pixels lie. */
#ifndef BENCH_TENSOR_BYTES_H
#define BENCH_TENSOR_BYTES_H

#include "edgebottle.h"

typedef struct {
    uint8_t *row;
    uint8_t *pixel;
    int32_t in_row;   /* payload bytes of this row before `pixel` */
    int32_t in_pixel; /* bytes of this pixel already handed out */
} tensor_walk;

tensor_walk tensor_walk_start(const eb_tensor *tensor);

/* The address of the next byte. Call it at most tensor->bytes times. */
uint8_t *tensor_walk_next(tensor_walk *walk, const eb_tensor *tensor);

#endif
