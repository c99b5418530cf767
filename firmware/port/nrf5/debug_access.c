/* From build code Fxx on an nRF52840 shuts its debug port at each reset: it opens only where UICR
 * says so and the program does too, after each reset (nRF52840 product specification 1.7, chapter
 * 4.8.2 "Access port protection" and register APPROTECT.DISABLE; the vendor's MDK and embassy's HAL
 * write the same). Without it a board can be flashed once, and then only be erased whole.
 * Older ones take every value but 0xFF in UICR for "shut", so they are left alone. */
#include "eb_reg.h"
#include "nrf5.h"

#if __ARM_ARCH >= 7

#define FICR_INFO_VARIANT EB_REG(0x10000104u) /* four letters, such as "AAF0" (PS 4.4.1.21) */
#define FIRST_HARDENED ((uint32_t)'F')
#define LAST_LETTER ((uint32_t)'Z')

#define UICR_APPROTECT EB_REG(0x10001208u)
#define APPROTECT_DISABLE EB_REG(0x40000558u)
#define OPEN 0x5Au
#define OPEN_IN_UICR 0xFFFFFF5Au /* the other bits are reserved */
#define ERASED 0xFFFFFFFFu

#define NVMC_READY EB_REG(0x4001E400u)
#define NVMC_CONFIG EB_REG(0x4001E504u)
#define CONFIG_READ_ONLY 0u
#define CONFIG_WRITE 1u

#define SCB_AIRCR EB_REG(0xE000ED0Cu) /* (DDI 0403E, B3.2.6) */
#define AIRCR_RESET 0x05FA0004u

void nrf5_open_debug_access(void)
{
    uint32_t build_code = (FICR_INFO_VARIANT >> 8) & 0xFFu;
    if (build_code < FIRST_HARDENED || build_code > LAST_LETTER) {
        return;
    }
    if (UICR_APPROTECT == ERASED) { /* a bit once written is set again by an erase only */
        NVMC_CONFIG = CONFIG_WRITE;
        (void)eb_wait(&NVMC_READY, 1u, 1u);
        UICR_APPROTECT = OPEN_IN_UICR;
        (void)eb_wait(&NVMC_READY, 1u, 1u);
        NVMC_CONFIG = CONFIG_READ_ONLY;
        (void)eb_wait(&NVMC_READY, 1u, 1u);
        SCB_AIRCR = AIRCR_RESET; /* UICR is read at a reset */
        for (;;) {
        }
    }
    APPROTECT_DISABLE = OPEN;
}

#endif
