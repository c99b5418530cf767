/* What every port does the same way: initialisation order and microseconds. */
#include "eb_port.h"
#include "eb_port_parts.h"

#define CYCLES_PER_MICRO (EB_PORT_CYCLE_HZ / 1000000u)

static uint32_t last_cycles;
static uint32_t spare_cycles; /* counted, but less than a microsecond */
static uint64_t micros;

void eb_init_port(void)
{
    eb_init_clock();
    eb_init_uart();
    eb_init_cycles();
#ifdef EB_ENERGY_MODE
    eb_init_pulse();
#endif
    last_cycles = eb_port_cycles();
}

uint64_t eb_port_micros(void)
{
    uint32_t now = eb_port_cycles();
    uint32_t elapsed = now - last_cycles;
    last_cycles = now;
    /* In 32 bits: a 64-bit division costs a library function on small cores. */
    uint32_t whole = elapsed / CYCLES_PER_MICRO;
    spare_cycles += elapsed % CYCLES_PER_MICRO;
    if (spare_cycles >= CYCLES_PER_MICRO) {
        spare_cycles -= CYCLES_PER_MICRO;
        whole++;
    }
    micros += whole;
    return micros;
}
