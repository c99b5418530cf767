/* MPS3 AN547: the FPGA image has its clocks, and the memories have no wait states. */
#include "eb_port_parts.h"

void eb_init_clock(void)
{
}
