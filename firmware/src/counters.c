#include "counters.h"

#include "bench_model.h"

#ifdef EB_BENCH_COUNTERS

#include <stdint.h>

#include "eb_port_counters.h"
#include "format.h"

void bench_put_counters(char *rest)
{
    (void)rest;
    uint64_t cycles = 0;
    uint64_t instructions = 0;
    if (eb_port_counters_read(&cycles, &instructions)) {
        bench_put_number("m-counters-[cycles=", cycles);
        bench_put_number_line(" instructions=", instructions, "]");
    } else {
        bench_put_line("m-counters-[none]");
    }
}

#else

typedef int bench_has_no_counters; /* an empty file is none */

#endif
