/* The Bumblebee core's machine timer counts at a quarter of the CPU clock (GD32VF103 user
 * manual 1.1; Bumblebee core architecture manual, TIMER unit). Its low word suffices: it wraps
 * after 159 s. */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define MTIME_LOW EB_REG(0xD1000000u)

void eb_init_cycles(void)
{
    /* It runs from reset. */
}

uint32_t eb_port_cycles(void)
{
    return MTIME_LOW;
}
