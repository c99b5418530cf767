/* STM32G0B1: 64 MHz from the internal 16 MHz oscillator (RM0444 chapters 3 FLASH, 5 RCC). */
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_CR EB_REG(0x40021000u)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define RCC_CFGR EB_REG(0x40021008u)
#define CFGR_SW_PLLR (2u << 0)
#define CFGR_SWS_MASK (7u << 3)
#define CFGR_SWS_PLLR (2u << 3)
#define RCC_PLLCFGR EB_REG(0x4002100Cu)
#define PLLCFGR_SRC_HSI16 (2u << 0)
#define PLLCFGR_M(m) (((m) - 1u) << 4)
#define PLLCFGR_N(n) ((n) << 8)
#define PLLCFGR_REN (1u << 28)
#define PLLCFGR_R(r) (((r) - 1u) << 29)

#define FLASH_ACR EB_REG(0x40022000u)
#define ACR_LATENCY_MASK 7u
#define ACR_PRFTEN (1u << 8)
#define ACR_ICEN (1u << 9)

void eb_init_clock(void)
{
    /* 16 MHz x 8 / 2; voltage range 1 and the oscillator are on from reset. */
    RCC_PLLCFGR = PLLCFGR_SRC_HSI16 | PLLCFGR_M(1u) | PLLCFGR_N(8u) | PLLCFGR_R(2u) | PLLCFGR_REN;
    RCC_CR |= CR_PLLON;
    (void)eb_wait(&RCC_CR, CR_PLLRDY, CR_PLLRDY);

    /* The register's other bits say whether the flash is empty: they stay as they are. */
    eb_modify(&FLASH_ACR, ACR_LATENCY_MASK, EB_FLASH_WAIT_STATES | ACR_PRFTEN | ACR_ICEN);
    (void)eb_wait(&FLASH_ACR, ACR_LATENCY_MASK, EB_FLASH_WAIT_STATES);
    RCC_CFGR = CFGR_SW_PLLR;
    (void)eb_wait(&RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLLR);
}
