/* Cycle counter of the Armv7-M and v8-M cores (Armv7-M ARM C1.8, Data Watchpoint and Trace). */
#if defined(EB_CYCLES_DWT)

#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define DCB_DEMCR EB_REG(0xE000EDFCu)
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL EB_REG(0xE0001000u)
#define CTRL_CYCCNTENA (1u << 0)
#define DWT_CYCCNT EB_REG(0xE0001004u)
#define DWT_LAR EB_REG(0xE0001FB0u)
#define LAR_UNLOCK 0xC5ACCE55u

void eb_init_cycles(void)
{
    DCB_DEMCR |= DEMCR_TRCENA;
    DWT_LAR = LAR_UNLOCK; /* only the Cortex-M7 has the lock; elsewhere the write has no effect */
    DWT_CYCCNT = 0u;
    DWT_CTRL |= CTRL_CYCCNTENA;
}

uint32_t eb_port_cycles(void)
{
    return DWT_CYCCNT;
}

#else
typedef int eb_cycles_dwt_unused; /* the family has its own cycles.c */
#endif
