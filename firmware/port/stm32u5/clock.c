/* STM32U575: 160 MHz from the internal 16 MHz oscillator (RM0456 chapters 7 FLASH, 10 PWR, 11 RCC).
 */
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_CR EB_REG(0x46020C00u)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define RCC_CFGR1 EB_REG(0x46020C1Cu)
#define CFGR1_SW_PLL1 (3u << 0)
#define CFGR1_SWS_MASK (3u << 2)
#define CFGR1_SWS_PLL1 (3u << 2)
#define RCC_PLL1CFGR EB_REG(0x46020C28u)
#define PLL1CFGR_SRC_HSI16 (2u << 0)
#define PLL1CFGR_RGE_8_16_MHZ (3u << 2)
#define PLL1CFGR_M(m) (((m) - 1u) << 8)
#define PLL1CFGR_MBOOST_DIV1 (0u << 12)
#define PLL1CFGR_REN (1u << 18)
#define RCC_PLL1DIVR EB_REG(0x46020C34u)
#define PLL1DIVR_N(n) ((n) - 1u)
#define PLL1DIVR_R(r) (((r) - 1u) << 24)
#define RCC_AHB3ENR EB_REG(0x46020C94u)
#define AHB3ENR_PWREN (1u << 2)

#define PWR_VOSR EB_REG(0x4602080Cu)
#define VOSR_BOOSTRDY (1u << 14)
#define VOSR_VOSRDY (1u << 15)
#define VOSR_VOS_RANGE1 (3u << 16)
#define VOSR_BOOSTEN (1u << 18)

#define FLASH_ACR EB_REG(0x40022000u)
#define ACR_PRFTEN (1u << 8)

#define ICACHE_CR EB_REG(0x40030400u)
#define ICACHE_EN (1u << 0)
#define ICACHE_WAYSEL (1u << 2) /* 2-way set associative, the reset value */

void eb_init_clock(void)
{
    RCC_AHB3ENR |= AHB3ENR_PWREN;
    (void)RCC_AHB3ENR;
    RCC_CR |= CR_HSION;
    (void)eb_wait(&RCC_CR, CR_HSIRDY, CR_HSIRDY);

    /* 16 MHz x 20 / 2. The booster that range 1 needs above 55 MHz is clocked from the PLL's input,
     * so that is chosen first (RM0456 10.5.4). */
    RCC_PLL1CFGR = PLL1CFGR_SRC_HSI16 | PLL1CFGR_RGE_8_16_MHZ | PLL1CFGR_M(1u) |
                   PLL1CFGR_MBOOST_DIV1 | PLL1CFGR_REN;
    RCC_PLL1DIVR = PLL1DIVR_N(20u) | PLL1DIVR_R(2u);
    PWR_VOSR |= VOSR_VOS_RANGE1;
    (void)eb_wait(&PWR_VOSR, VOSR_VOSRDY, VOSR_VOSRDY);
    PWR_VOSR |= VOSR_BOOSTEN;
    (void)eb_wait(&PWR_VOSR, VOSR_BOOSTRDY, VOSR_BOOSTRDY);
    RCC_CR |= CR_PLL1ON;
    (void)eb_wait(&RCC_CR, CR_PLL1RDY, CR_PLL1RDY);

    FLASH_ACR = EB_FLASH_WAIT_STATES | ACR_PRFTEN;
    (void)FLASH_ACR;
    eb_modify(&RCC_CFGR1, 3u, CFGR1_SW_PLL1);
    (void)eb_wait(&RCC_CFGR1, CFGR1_SWS_MASK, CFGR1_SWS_PLL1);
    ICACHE_CR = ICACHE_WAYSEL | ICACHE_EN;
}
