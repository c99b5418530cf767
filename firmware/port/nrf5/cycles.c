/* The Cortex-M0 of the nRF51 has no cycle counter: TIMER0, 32 bits wide, counts the 16 MHz (nRF51
 * reference manual 18). The nRF52840 uses its DWT instead. */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#if !defined(EB_CYCLES_DWT)

#define TIMER0 0x40008000u
#define TIMER0_START EB_REG(TIMER0 + 0x000u)
#define TIMER0_CLEAR EB_REG(TIMER0 + 0x00Cu)
#define TIMER0_CAPTURE0 EB_REG(TIMER0 + 0x040u)
#define TIMER0_MODE EB_REG(TIMER0 + 0x504u)
#define MODE_TIMER 0u
#define TIMER0_BITMODE EB_REG(TIMER0 + 0x508u)
#define BITMODE_32 3u
#define TIMER0_PRESCALER EB_REG(TIMER0 + 0x510u)
#define TIMER0_CC0 EB_REG(TIMER0 + 0x540u)

void eb_init_cycles(void)
{
    TIMER0_MODE = MODE_TIMER;
    TIMER0_BITMODE = BITMODE_32;
    TIMER0_PRESCALER = 0u;
    TIMER0_CLEAR = 1u;
    TIMER0_START = 1u;
}

uint32_t eb_port_cycles(void)
{
    TIMER0_CAPTURE0 = 1u;
    return TIMER0_CC0;
}

#endif
