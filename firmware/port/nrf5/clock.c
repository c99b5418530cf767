/* nRF51822: 16 MHz, nRF52840: 64 MHz, both from the crystal (nRF51 reference manual 13, nRF52840
 * product specification 5.4). The CPU clock is what it is; the crystal makes it exact. */
#include "eb_port_parts.h"
#include "eb_reg.h"
#include "nrf5.h"

#define CLOCK_HFCLKSTART EB_REG(0x40000000u)
#define CLOCK_HFCLKSTARTED EB_REG(0x40000100u)

#if __ARM_ARCH >= 7
#define NVMC_ICACHECNF EB_REG(0x4001E540u)
#define ICACHECNF_CACHEEN (1u << 0)
#endif

void eb_init_clock(void)
{
#if __ARM_ARCH >= 7
    nrf5_open_debug_access();
#endif
    CLOCK_HFCLKSTARTED = 0u;
    CLOCK_HFCLKSTART = 1u;
    (void)eb_wait(&CLOCK_HFCLKSTARTED, 1u, 1u);
#if __ARM_ARCH >= 7
    NVMC_ICACHECNF = ICACHECNF_CACHEEN;
#endif
}
