/* The Cortex-M0+ has no cycle counter, and its SysTick has only 24 bits: the timer counts
 * microseconds, which the watchdog's tick generator makes from the crystal (RP2040 Datasheet 4.6
 * timer, 4.7.2 tick). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_rp2.h"

#define RESET_TIMER (1u << 21) /* in RESETS (2.14) */
#define WATCHDOG_TICK EB_REG(0x4005802Cu)
#define TICK_ENABLE (1u << 9)
#define TIMER_TIMERAWL EB_REG(0x40054028u)

void eb_init_cycles(void)
{
    rp2_release(RESET_TIMER);
    WATCHDOG_TICK = TICK_ENABLE | EB_CRYSTAL_HZ / 1000000u;
}

uint32_t eb_port_cycles(void)
{
    return TIMER_TIMERAWL;
}
