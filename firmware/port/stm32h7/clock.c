/* STM32H7A3, H7B3: 280 MHz, STM32H743, H753, H747, H757: 400 MHz, from the internal 64 MHz
 * oscillator (RM0455, RM0433: chapters 4 FLASH, 6 PWR, 8 RCC; RM0399: 4, 7, 9). Names are those of
 * RM0455; the H743 has the same fields in D1CFGR, D2CFGR, D3CFGR and PWR_D3CR. */
#include "eb_cortex_m7_cache.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_CR EB_REG(0x58024400u)
#define CR_HSION (1u << 0)
#define CR_HSIRDY (1u << 2)
#define CR_HSIDIV_MASK (3u << 3)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define RCC_CFGR EB_REG(0x58024410u)
#define CFGR_SW_MASK (7u << 0)
#define CFGR_SW_PLL1 (3u << 0)
#define CFGR_SWS_MASK (7u << 3)
#define CFGR_SWS_PLL1 (3u << 3)
#define RCC_CDCFGR1 EB_REG(0x58024418u)
#define CDCFGR1_HPRE (EB_BUS_DIVIDER == 2u ? 8u << 0 : 0u)
#define CDCFGR1_CDPPRE_DIV2 (4u << 4) /* APB3 */
#define RCC_CDCFGR2 EB_REG(0x5802441Cu)
#define CDCFGR2_CDPPRE1_DIV2 (4u << 4) /* APB1 */
#define CDCFGR2_CDPPRE2_DIV2 (4u << 8) /* APB2 */
#define RCC_SRDCFGR EB_REG(0x58024420u)
#define SRDCFGR_SRDPPRE_DIV2 (4u << 4) /* APB4 */
#define RCC_PLLCKSELR EB_REG(0x58024428u)
#define PLLCKSELR_SRC_HSI (0u << 0)
#define PLLCKSELR_M1(m) ((m) << 4)
#define RCC_PLLCFGR EB_REG(0x5802442Cu)
#define PLLCFGR_RGE1_8_16_MHZ (3u << 2)
#define PLLCFGR_P1EN (1u << 16)
#define RCC_PLL1DIVR EB_REG(0x58024430u)
#define PLL1DIVR_N(n) ((n) - 1u)
#define PLL1DIVR_P(p) (((p) - 1u) << 9)

#define PWR_CSR1 EB_REG(0x58024804u)
#define CSR1_ACTVOSRDY (1u << 13)
#define PWR_CR3 EB_REG(0x5802480Cu)
#define CR3_BYPASS (1u << 0)
#define CR3_LDOEN (1u << 1)
#define CR3_SMPSEN (1u << 2) /* SCUEN of the H743: cleared */
#define CR3_SUPPLY (EB_SUPPLY_SMPS != 0u ? CR3_SMPSEN : CR3_LDOEN)

#define PWR_SRDCR EB_REG(0x58024818u)
#define SRDCR_VOSRDY (1u << 13)
#define SRDCR_VOS_HIGHEST (3u << 14) /* VOS0 of the H7A3, VOS1 of the H743 */

#define FLASH_ACR EB_REG(0x52002000u)
#define ACR_WRHIGHFREQ (EB_FLASH_SIGNAL_DELAY << 4)

/* A "-Q" chip is wired for the step-down converter alone, an H743 has the regulator alone. The
 * choice is made once after power-up (RM0455 6.4.1) and no voltage change is accepted before it. */
static void start_supply(void)
{
    if (EB_SUPPLY_KEPT == 0u) {
        eb_modify(&PWR_CR3, CR3_BYPASS | CR3_LDOEN | CR3_SMPSEN, CR3_SUPPLY);
    }
    (void)eb_wait(&PWR_CSR1, CSR1_ACTVOSRDY, CSR1_ACTVOSRDY);
    PWR_SRDCR |= SRDCR_VOS_HIGHEST;
    (void)eb_wait(&PWR_SRDCR, SRDCR_VOSRDY, SRDCR_VOSRDY);
}

/* A bootloader may have left the CPU on the PLL, which takes no other factors while it is on. */
static void start_oscillator(void)
{
    RCC_CR |= CR_HSION;
    (void)eb_wait(&RCC_CR, CR_HSIRDY, CR_HSIRDY);
    RCC_CFGR &= ~CFGR_SW_MASK;
    (void)eb_wait(&RCC_CFGR, CFGR_SWS_MASK, 0u);
    RCC_CR &= ~(CR_PLL1ON | CR_HSIDIV_MASK);
    (void)eb_wait(&RCC_CR, CR_PLL1RDY, 0u);
}

void eb_init_clock(void)
{
    start_oscillator();
    start_supply();

    /* 64 MHz / 4, times twice the clock, / 2. */
    RCC_PLLCKSELR = PLLCKSELR_SRC_HSI | PLLCKSELR_M1(4u);
    RCC_PLLCFGR = PLLCFGR_RGE1_8_16_MHZ | PLLCFGR_P1EN;
    RCC_PLL1DIVR = PLL1DIVR_N(EB_CLOCK_HZ / 8000000u) | PLL1DIVR_P(2u);
    RCC_CR |= CR_PLL1ON;
    (void)eb_wait(&RCC_CR, CR_PLL1RDY, CR_PLL1RDY);

    FLASH_ACR = EB_FLASH_WAIT_STATES | ACR_WRHIGHFREQ;
    (void)FLASH_ACR;
    RCC_CDCFGR1 = CDCFGR1_HPRE | CDCFGR1_CDPPRE_DIV2;
    RCC_CDCFGR2 = CDCFGR2_CDPPRE1_DIV2 | CDCFGR2_CDPPRE2_DIV2;
    RCC_SRDCFGR = SRDCFGR_SRDPPRE_DIV2;
    RCC_CFGR = CFGR_SW_PLL1;
    (void)eb_wait(&RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL1);
    if ((SCB_CCR & CCR_DC) == 0u) { /* else there is data in them */
        eb_cortex_m7_enable_caches();
    }
}
