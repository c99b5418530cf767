/* Energy mode of MLPerf Tiny: a pulse on a pin where the timed runs begin, and one where they end.
 * In any other mode the two functions only read the clock. */
#ifndef BENCH_ENERGY_H
#define BENCH_ENERGY_H

#include <stdint.h>

#include "bench_model.h"
#include "eb_port.h"
#ifdef EB_BENCH_COUNTERS
#include "eb_port_counters.h"
#endif

#ifdef EB_ENERGY_MODE

#define BENCH_MODE "energy"

/* A pulse of a millisecond; returns the microseconds of its falling edge. */
uint64_t bench_pulse(void);

/* The pulse before the timed runs, once all that was sent has left: the line is quiet until they
 * are done. */
uint64_t bench_begin_window(void);

/* The pulse after them. */
uint64_t bench_end_window(void);

/* Microseconds from the first pulse of the last window to the second. */
uint64_t bench_window_micros(void);

#else

#define BENCH_MODE "performance"

static inline uint64_t bench_begin_window(void)
{
#ifdef EB_BENCH_COUNTERS
    eb_port_counters_start();
#endif
    return eb_port_micros();
}

static inline uint64_t bench_end_window(void)
{
    uint64_t end = eb_port_micros();
#ifdef EB_BENCH_COUNTERS
    eb_port_counters_stop();
#endif
    return end;
}

#endif

#endif
