/* The FPGA images of Arm's boards have their clocks, and their memories have no wait states. */
#include "eb_port_parts.h"

void eb_init_clock(void)
{
}
