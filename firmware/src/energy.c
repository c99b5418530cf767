#include "energy.h"

#ifdef EB_ENERGY_MODE

/* Long enough for any meter that looks a few thousand times a second. */
#define PULSE_MICROS 1000u

/* Until the last characters have left: as many as any UART here holds, of ten bits each. */
#define HELD_CHARACTERS 34u
#define QUIET_MICROS (HELD_CHARACTERS * 10u * 1000000u / EB_UART_BAUD)

static uint64_t began;
static uint64_t ended;

static void wait(uint64_t micros)
{
    uint64_t start = eb_port_micros();
    while (eb_port_micros() - start < micros) {
    }
}

uint64_t bench_pulse(void)
{
    uint64_t edge = eb_port_micros();
    eb_port_pulse(0);
    wait(PULSE_MICROS);
    eb_port_pulse(1);
    return edge;
}

uint64_t bench_begin_window(void)
{
    wait(QUIET_MICROS);
    began = bench_pulse();
    return began;
}

uint64_t bench_end_window(void)
{
    ended = bench_pulse();
    return ended;
}

uint64_t bench_window_micros(void)
{
    return ended - began;
}

#else

typedef int bench_no_energy; /* no translation unit is empty */

#endif
