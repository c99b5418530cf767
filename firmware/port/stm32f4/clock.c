/* STM32F411: up to 100 MHz, STM32F446: up to 180 MHz, from the oscillator that the board file names
 * (RM0383, RM0390: chapters 3 FLASH, 5 PWR, 6 RCC). */
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_CR EB_REG(0x40023800u)
#define CR_HSEON (1u << 16)
#define CR_HSERDY (1u << 17)
#define CR_HSEBYP (1u << 18)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR EB_REG(0x40023804u)
#define PLLCFGR_M(m) (m)
#define PLLCFGR_N(n) ((n) << 6)
#define PLLCFGR_P2 (0u << 16)
#define PLLCFGR_SRC_HSE (1u << 22)
#define PLLCFGR_Q(q) ((q) << 24)
#define PLLCFGR_KEPT (1u << 29) /* as after reset: reserved, and PLLR of the F446 */
#define RCC_CFGR EB_REG(0x40023808u)
#define CFGR_SW_PLL (2u << 0)
#define CFGR_SWS_MASK (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_PPRE1_DIV4 (5u << 10) /* APB1: at most 45 MHz */
#define CFGR_PPRE2_DIV2 (4u << 13) /* APB2: at most 90 MHz */
#define RCC_APB1ENR EB_REG(0x40023840u)
#define APB1ENR_PWREN (1u << 28)

#define PWR_CR EB_REG(0x40007000u)
#define CR_VOS_SCALE1 (3u << 14)
#define CR_ODEN (1u << 16)
#define CR_ODSWEN (1u << 17)
#define PWR_CSR EB_REG(0x40007004u)
#define CSR_ODRDY (1u << 16)
#define CSR_ODSWRDY (1u << 17)

#define FLASH_ACR EB_REG(0x40023C00u)
#define ACR_PRFTEN (1u << 8)
#define ACR_ICEN (1u << 9)
#define ACR_DCEN (1u << 10)

#define MEGAHERTZ 1000000u
#define INTERNAL_HZ (16u * MEGAHERTZ)
#define OVERDRIVE_HZ (168u * MEGAHERTZ)

/* What divides to 1 MHz: the internal oscillator where no other is, or where it does not run. */
static uint32_t pll_input(void)
{
    if (EB_HSE_HZ != 0u) {
        if (EB_HSE_BYPASS != 0u) {
            RCC_CR |= CR_HSEBYP; /* before the oscillator is switched on */
        }
        RCC_CR |= CR_HSEON;
        if (eb_wait(&RCC_CR, CR_HSERDY, CR_HSERDY)) {
            return PLLCFGR_SRC_HSE | PLLCFGR_M(EB_HSE_HZ / MEGAHERTZ);
        }
    }
    return PLLCFGR_M(INTERNAL_HZ / MEGAHERTZ);
}

/* Above 168 MHz the regulator of the F446 needs its over-drive mode (RM0390 5.1.3). */
static void start_overdrive(void)
{
    PWR_CR |= CR_ODEN;
    (void)eb_wait(&PWR_CSR, CSR_ODRDY, CSR_ODRDY);
    PWR_CR |= CR_ODSWEN;
    (void)eb_wait(&PWR_CSR, CSR_ODSWRDY, CSR_ODSWRDY);
}

void eb_init_clock(void)
{
    RCC_APB1ENR |= APB1ENR_PWREN;
    (void)RCC_APB1ENR; /* the clock arrives two cycles after the write */
    PWR_CR |= CR_VOS_SCALE1;
    /* 1 MHz into the PLL, times twice the clock, /2. */
    uint32_t input = pll_input();
    RCC_PLLCFGR = input | PLLCFGR_N(2u * (EB_CLOCK_HZ / MEGAHERTZ)) | PLLCFGR_P2 | PLLCFGR_Q(9u) |
                  PLLCFGR_KEPT;
    RCC_CR |= CR_PLLON;
    if (EB_CLOCK_HZ > OVERDRIVE_HZ) {
        start_overdrive();
    }
    (void)eb_wait(&RCC_CR, CR_PLLRDY, CR_PLLRDY);

    FLASH_ACR = EB_FLASH_WAIT_STATES | ACR_PRFTEN | ACR_ICEN | ACR_DCEN;
    (void)FLASH_ACR;
    RCC_CFGR = CFGR_PPRE1_DIV4 | CFGR_PPRE2_DIV2;
    RCC_CFGR = CFGR_PPRE1_DIV4 | CFGR_PPRE2_DIV2 | CFGR_SW_PLL;
    (void)eb_wait(&RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL);
}
