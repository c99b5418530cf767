/* STM32F74x: 216 MHz from the 25 MHz crystal (RM0385 chapters 3 FLASH, 4 PWR, 5 RCC). */
#include "eb_cortex_m7_cache.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_CR EB_REG(0x40023800u)
#define CR_HSION (1u << 0)
#define CR_HSIRDY (1u << 1)
#define CR_HSEON (1u << 16)
#define CR_HSERDY (1u << 17)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR EB_REG(0x40023804u)
#define PLLCFGR_M(m) (m)
#define PLLCFGR_N(n) ((n) << 6)
#define PLLCFGR_P2 (0u << 16)
#define PLLCFGR_SRC_HSE (1u << 22)
#define PLLCFGR_Q(q) ((q) << 24)
#define PLLCFGR_RESERVED_29 (1u << 29) /* reads 1 after reset, kept */
#define RCC_CFGR EB_REG(0x40023808u)
#define CFGR_SW_PLL (2u << 0)
#define CFGR_SWS_MASK (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_PPRE1_DIV4 (5u << 10) /* APB1: 54 MHz */
#define CFGR_PPRE2_DIV2 (4u << 13) /* APB2: 108 MHz */
#define RCC_APB1ENR EB_REG(0x40023840u)
#define APB1ENR_PWREN (1u << 28)

#define PWR_CR1 EB_REG(0x40007000u)
#define CR1_VOS_SCALE1 (3u << 14)
#define CR1_ODEN (1u << 16)
#define CR1_ODSWEN (1u << 17)
#define PWR_CSR1 EB_REG(0x40007004u)
#define CSR1_ODRDY (1u << 16)
#define CSR1_ODSWRDY (1u << 17)

#define FLASH_ACR EB_REG(0x40023C00u)
#define ACR_7_WAIT_STATES 7u
#define ACR_PRFTEN (1u << 8)
#define ACR_ARTEN (1u << 9)

static void start_pll(void)
{
    RCC_CR |= CR_HSEON;
    /* 1 MHz into the PLL, x432, /2; from the internal 16 MHz when there is no crystal. */
    uint32_t source = PLLCFGR_SRC_HSE | PLLCFGR_M(25u);
    if (!eb_wait(&RCC_CR, CR_HSERDY, CR_HSERDY)) {
        source = PLLCFGR_M(16u);
    }
    RCC_PLLCFGR = source | PLLCFGR_N(432u) | PLLCFGR_P2 | PLLCFGR_Q(9u) | PLLCFGR_RESERVED_29;
    RCC_CR |= CR_PLLON;
}

/* Above 180 MHz the regulator needs its over-drive mode (RM0385 4.1.4). */
static void start_overdrive(void)
{
    PWR_CR1 |= CR1_ODEN;
    (void)eb_wait(&PWR_CSR1, CSR1_ODRDY, CSR1_ODRDY);
    PWR_CR1 |= CR1_ODSWEN;
    (void)eb_wait(&PWR_CSR1, CSR1_ODSWRDY, CSR1_ODSWRDY);
}

void eb_init_clock(void)
{
    RCC_APB1ENR |= APB1ENR_PWREN;
    (void)RCC_APB1ENR; /* the clock arrives two cycles after the write */
    PWR_CR1 |= CR1_VOS_SCALE1;
    start_pll();
    start_overdrive();
    (void)eb_wait(&RCC_CR, CR_PLLRDY, CR_PLLRDY);

    FLASH_ACR = ACR_7_WAIT_STATES | ACR_PRFTEN | ACR_ARTEN;
    (void)FLASH_ACR;
    RCC_CFGR = CFGR_PPRE1_DIV4 | CFGR_PPRE2_DIV2;
    RCC_CFGR = CFGR_PPRE1_DIV4 | CFGR_PPRE2_DIV2 | CFGR_SW_PLL;
    (void)eb_wait(&RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL);
    eb_cortex_m7_enable_caches();
}
