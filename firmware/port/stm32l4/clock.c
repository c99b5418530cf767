/* STM32L47x, L48x: up to 80 MHz, STM32L4R, L4S: up to 120 MHz, from the internal 16 MHz oscillator
 * (RM0351, RM0432: chapters 3 FLASH, 5 PWR, 6 RCC). */
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_CR EB_REG(0x40021000u)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define RCC_CFGR EB_REG(0x40021008u)
#define CFGR_SW_PLL (3u << 0)
#define CFGR_SWS_MASK (3u << 2)
#define CFGR_SWS_PLL (3u << 2)
#define CFGR_HPRE_DIV2 (8u << 4)
#define RCC_PLLCFGR EB_REG(0x4002100Cu)
#define PLLCFGR_SRC_HSI16 (2u << 0)
#define PLLCFGR_M(m) (((m) - 1u) << 4)
#define PLLCFGR_N(n) ((n) << 8)
#define PLLCFGR_REN (1u << 24)
#define PLLCFGR_R2 (0u << 25)
#define RCC_APB1ENR1 EB_REG(0x40021058u)
#define APB1ENR1_PWREN (1u << 28)

#define PWR_SR2 EB_REG(0x40007014u)
#define SR2_VOSF (1u << 10)
#define PWR_CR5 EB_REG(0x40007080u)
#define CR5_R1MODE (1u << 8) /* 0: range 1 boost, needed above 80 MHz */

#define FLASH_ACR EB_REG(0x40022000u)
#define ACR_PRFTEN (1u << 8)
#define ACR_ICEN (1u << 9)
#define ACR_DCEN (1u << 10)

/* Polls, many more than the microsecond that the half-speed step must last (RM0432 5.1.8). */
#define SETTLE_POLLS 200u

#define MEGAHERTZ 1000000u
#define NEEDS_BOOST (EB_CLOCK_HZ > 80u * MEGAHERTZ)

void eb_init_clock(void)
{
    RCC_APB1ENR1 |= APB1ENR1_PWREN;
    (void)RCC_APB1ENR1;
    if (NEEDS_BOOST) {
        PWR_CR5 &= ~CR5_R1MODE;
        (void)eb_wait(&PWR_SR2, SR2_VOSF, 0u);
    }

    RCC_CR |= CR_HSION;
    (void)eb_wait(&RCC_CR, CR_HSIRDY, CR_HSIRDY);
    /* 16 MHz / 4, times half the clock, / 2. */
    RCC_PLLCFGR = PLLCFGR_SRC_HSI16 | PLLCFGR_M(4u) | PLLCFGR_N(EB_CLOCK_HZ / (2u * MEGAHERTZ)) |
                  PLLCFGR_R2 | PLLCFGR_REN;
    RCC_CR |= CR_PLLON;
    (void)eb_wait(&RCC_CR, CR_PLLRDY, CR_PLLRDY);

    FLASH_ACR = EB_FLASH_WAIT_STATES | ACR_PRFTEN | ACR_ICEN | ACR_DCEN;
    (void)FLASH_ACR;
    /* Above 80 MHz the step up goes through half the frequency. */
    uint32_t prescaler = NEEDS_BOOST ? CFGR_HPRE_DIV2 : 0u;
    RCC_CFGR = prescaler;
    RCC_CFGR = prescaler | CFGR_SW_PLL;
    (void)eb_wait(&RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL);
    if (NEEDS_BOOST) {
        for (uint32_t poll = 0; poll < SETTLE_POLLS; poll++) {
            (void)RCC_CFGR;
        }
        RCC_CFGR = CFGR_SW_PLL;
    }
}
