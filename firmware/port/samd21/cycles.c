/* The Cortex-M0+ has no cycle counter: TC4 and TC5, paired to 32 bits, count CPU clocks (data sheet
 * chapter 30 TC). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "samd21.h"

#define TC4 0x42003000u
#define TC4_CTRLA SAMD21_REG16(TC4 + 0x00u)
#define CTRLA_ENABLE (1u << 1)
#define CTRLA_MODE_COUNT32 (2u << 2)
#define TC4_READREQ SAMD21_REG16(TC4 + 0x02u)
#define READREQ_COUNT ((1u << 15) | 0x10u)
#define TC4_STATUS SAMD21_REG8(TC4 + 0x0Fu)
#define TC4_COUNT EB_REG(TC4 + 0x10u)

void eb_init_cycles(void)
{
    PM_APBCMASK |= APBCMASK_TC4 | APBCMASK_TC5;
    samd21_clock(CLKCTRL_TC4_TC5, 0u);
    TC4_CTRLA = CTRLA_MODE_COUNT32;
    samd21_wait_clear(&TC4_STATUS, STATUS_SYNCBUSY);
    TC4_CTRLA = CTRLA_MODE_COUNT32 | CTRLA_ENABLE;
    samd21_wait_clear(&TC4_STATUS, STATUS_SYNCBUSY);
}

uint32_t eb_port_cycles(void)
{
    /* The register holds the count only after it was asked for. */
    TC4_READREQ = READREQ_COUNT;
    samd21_wait_clear(&TC4_STATUS, STATUS_SYNCBUSY);
    return TC4_COUNT;
}
