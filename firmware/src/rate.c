#include "rate.h"

#include "hosted.h"

#include "eb_port.h"

#ifndef EB_UART_BAUD
#define EB_UART_BAUD 115200u
#endif
#ifndef EB_CLOCK_HZ /* of this computer */
#define EB_CLOCK_HZ EB_PORT_CYCLE_HZ
#endif

/* The last bytes of an answer may still be in the FIFO and on their way: 40 characters. */
#define DRAIN_TICKS (EB_PORT_CYCLE_HZ / EB_UART_BAUD * 400u)

/* A byte of a frame takes about 110 instructions, on a Cortex-M0 up to 220 clocks; of them there
 * are ten times so many a byte, at least. */
#define CLOCKS_PER_BIT 25u
#define MAX_BAUD                                                                                   \
    (EB_CLOCK_HZ / CLOCKS_PER_BIT < EB_PORT_MAX_BAUD ? EB_CLOCK_HZ / CLOCKS_PER_BIT                \
                                                     : EB_PORT_MAX_BAUD)

static bool is_raised;
static uint32_t asked; /* what the UART is set to after the present answer; 0: as it is */
static bool is_heard;  /* a command was answered since the last look at the clock */
static uint32_t heard; /* microseconds at the first look after that */

bool bench_rate_ask(int32_t baud)
{
    if (baud >= (int32_t)EB_UART_BAUD && baud <= (int32_t)MAX_BAUD) {
        asked = eb_port_rate((uint32_t)baud);
    }
    return asked != 0u;
}

void bench_rate_heard(void)
{
    is_heard = true;
}

void bench_rate_watch(uint32_t micros)
{
    if (is_heard) {
        is_heard = false;
        heard = micros;
    }
    bool is_late = is_raised && micros - heard > BENCH_RATE_MICROS;
    uint32_t rate = is_late ? eb_port_rate(EB_UART_BAUD) : asked;
    if (rate != 0u) {
        uint32_t start = eb_port_cycles();
        while (eb_port_cycles() - start < DRAIN_TICKS) {
        }
        eb_port_set_rate(rate);
        is_raised = !is_late;
        asked = 0u;
    }
}
