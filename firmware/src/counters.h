/* The counters of the CPU, on ports that have them: those of computers that run Linux. */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

/* Answers the command `counters`: cycles and instructions of the last timed runs. */
void bench_put_counters(char *rest);

#endif
