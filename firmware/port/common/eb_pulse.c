/* The pin of energy mode, with the registers that firmware/platform/builder/eb_pulse.py found. */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#ifdef EB_ENERGY_MODE

void eb_init_pulse(void)
{
    if (EB_PULSE_SUPPLY != 0u) { /* the pin has a supply of its own: it is there */
        EB_REG(EB_PULSE_SUPPLY) |= EB_PULSE_SUPPLY_BITS;
    }
    if (EB_PULSE_CLOCK != 0u) {
        EB_REG(EB_PULSE_CLOCK) |= EB_PULSE_CLOCK_BITS;
        (void)EB_REG(EB_PULSE_CLOCK);
    }
    eb_port_pulse(1); /* the level at which it rests, before it is driven */
    eb_modify(&EB_REG(EB_PULSE_DRIVE), EB_PULSE_DRIVE_MASK, EB_PULSE_DRIVE_VALUE);
    if (EB_PULSE_MUX != 0u) {
        eb_modify(&EB_REG(EB_PULSE_MUX), EB_PULSE_MUX_MASK, EB_PULSE_MUX_VALUE);
    }
    if (EB_PULSE_ISOLATION != 0u) { /* of the pad, which holds its level until then */
        EB_REG(EB_PULSE_ISOLATION) &= ~EB_PULSE_ISOLATION_BITS;
    }
}

void eb_port_pulse(int high)
{
    if (high) {
        EB_REG(EB_PULSE_HIGH) = EB_PULSE_HIGH_BITS;
    } else {
        EB_REG(EB_PULSE_LOW) = EB_PULSE_LOW_BITS;
    }
}

#else

typedef int eb_no_pulse; /* no translation unit is empty */

#endif
