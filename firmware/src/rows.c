#include "rows.h"

#include "hosted.h"
#include "eb_port.h"

#if EB_BENCH_ROW_BYTES > 0

#define CYCLES_PER_MICRO (EB_PORT_CYCLE_HZ / 1000000u)

static eb_status status;
static uint64_t cycles;
static uint32_t micros;
static uint32_t spare_cycles; /* counted in `cycles`, but less than a microsecond */

void bench_rows_begin(void)
{
    int32_t missing = EB_MODEL(rows_missing)();
    if (missing != 0 && missing != EB_MODEL(input)(0).bytes / EB_BENCH_ROW_BYTES) {
        (void)EB_MODEL(init)(); /* drops the image that was begun */
    }
    status = EB_OK;
    cycles = 0;
    micros = 0;
    spare_cycles = 0;
}

void bench_rows_feed(const void *row)
{
    if (status != EB_OK) {
        return;
    }
    uint32_t start = eb_port_cycles();
    status = EB_MODEL(feed_rows)(row, 1);
    uint32_t elapsed = eb_port_cycles() - start;
    (void)eb_port_micros(); /* at least once per wrap of the cycle counter */
    cycles += elapsed;
    /* In 32 bits: a 64-bit division costs a library function on small cores. */
    micros += elapsed / CYCLES_PER_MICRO;
    spare_cycles += elapsed % CYCLES_PER_MICRO;
    if (spare_cycles >= CYCLES_PER_MICRO) {
        spare_cycles -= CYCLES_PER_MICRO;
        micros++;
    }
}

eb_status bench_rows_status(void)
{
    return status;
}

uint64_t bench_rows_cycles(void)
{
    return cycles;
}

uint32_t bench_rows_micros(void)
{
    return micros;
}

#endif
