/* The input of a row-fed model, whose whole image lies nowhere: its rows are handed over as they
 * arrive. Only where EB_BENCH_ROW_BYTES > 0. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdint.h>

#include "bench_model.h"

#if EB_BENCH_ROW_BYTES > 0

/* Begins an image. */
void bench_rows_begin(void);

/* Hands over one row of EB_BENCH_ROW_BYTES bytes; the last one finishes the run. */
void bench_rows_feed(const void *row);

/* What the first call that failed answered, EB_OK if none did. */
eb_status bench_rows_status(void);

/* Time spent on the rows of this image so far. */
uint64_t bench_rows_cycles(void);
uint32_t bench_rows_micros(void);

#endif

#endif
