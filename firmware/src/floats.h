/* An input that comes as 32-bit floats, for a network whose input and output are int8. */
#ifndef BENCH_FLOATS_H
#define BENCH_FLOATS_H

#include "edgebottle.h"

/* Where the bytes of the floats go: a tensor that is one pixel. */
eb_tensor bench_floats(void);

/* Quantizes them into `input`: to the nearest, ties away from zero, as LiteRT does. */
void bench_floats_quantize(const eb_tensor *input);

/* The mean of the squares of what the output is off from them. */
float bench_floats_distance(void);

#endif
