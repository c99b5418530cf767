/* The boxes of a detector. */
#ifndef BENCH_BOXES_H
#define BENCH_BOXES_H

/* Prints how many there are, then each: `m-boxes-[N]`, `m-box-[Y0 X0 Y1 X1 SCORE LABEL]`. The
 * candidates lie on the stack. */
void bench_put_boxes(void);

#endif
