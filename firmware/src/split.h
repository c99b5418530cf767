/* The frames of a split network's head. */
#ifndef BENCH_SPLIT_H
#define BENCH_SPLIT_H

#include <stdint.h>

/* Prints the frame of the last run, `m-split-[HEX]`, and before it, of a network with an early
 * exit, `m-exit-[CLASS]`, or `m-exit-[none]` where that is not sure enough. The frame lies on the
 * stack. */
void bench_put_split(int32_t rate, uint32_t request);

#endif
