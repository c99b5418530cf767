/* MPS3 AN547: the system counter of the SSE-300 counts SYSCLK (SSE-300 TRM, system timestamp
 * counter; CoreSight-like CNTControlBase frame). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define CNTCR EB_REG(0x58100000u)
#define CNTCR_EN (1u << 0)
#define CNTCV_LOW EB_REG(0x58100008u)

void eb_init_cycles(void)
{
    CNTCR |= CNTCR_EN;
}

uint32_t eb_port_cycles(void)
{
    return CNTCV_LOW;
}
