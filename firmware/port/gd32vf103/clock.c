/* GD32VF103: 108 MHz from the crystal that the board file names (GD32VF103 user manual chapters 2
 * FMC, 5 RCU), or from the internal oscillator where it names none, or where it does not run. */
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCU_CTL EB_REG(0x40021000u)
#define CTL_HXTALEN (1u << 16)
#define CTL_HXTALSTB (1u << 17)
#define CTL_PLLEN (1u << 24)
#define CTL_PLLSTB (1u << 25)
#define RCU_CFG0 EB_REG(0x40021004u)
#define CFG0_SCS_PLL (2u << 0)
#define CFG0_SCSS_MASK (3u << 2)
#define CFG0_SCSS_PLL (2u << 2)
#define CFG0_APB1PSC_DIV2 (4u << 8)
#define CFG0_PLLSEL_HXTAL (1u << 16) /* 0: internal 8 MHz / 2 */
#define CFG0_PLLMF_27 ((10u << 18) | (1u << 29))
#define RCU_CFG1 EB_REG(0x4002102Cu)
#define CFG1_PREDV0(n) ((n) - 1u)
#define PLL_INPUT_HZ 4000000u

#define FMC_WS EB_REG(0x40022000u)
#define WS_2_WAIT_STATES 2u

void eb_init_clock(void)
{
    uint32_t configuration = CFG0_APB1PSC_DIV2 | CFG0_PLLMF_27; /* 4 MHz x 27 */
    if (EB_HXTAL_HZ != 0u) {
        RCU_CTL |= CTL_HXTALEN;
        if (eb_wait(&RCU_CTL, CTL_HXTALSTB, CTL_HXTALSTB)) {
            configuration |= CFG0_PLLSEL_HXTAL;
            RCU_CFG1 = CFG1_PREDV0(EB_HXTAL_HZ / PLL_INPUT_HZ);
        }
    }
    RCU_CFG0 = configuration;
    RCU_CTL |= CTL_PLLEN;
    (void)eb_wait(&RCU_CTL, CTL_PLLSTB, CTL_PLLSTB);
    FMC_WS = WS_2_WAIT_STATES;
    RCU_CFG0 = configuration | CFG0_SCS_PLL;
    (void)eb_wait(&RCU_CFG0, CFG0_SCSS_MASK, CFG0_SCSS_PLL);
}
