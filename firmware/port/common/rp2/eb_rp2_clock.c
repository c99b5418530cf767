/* RP2040 and RP2350: PLL_SYS from the board's crystal (RP2040 Datasheet 2.15 clocks, 2.16
 * XOSC, 2.18 PLL; RP2350 Datasheet 8.1, 8.2, 8.6, where the registers are the same at other
 * addresses). Where the crystal does not start, the chip stays on its ring oscillator, which is
 * anywhere between 2 and 12 MHz: too far off for the UART. */
#include "eb_port_parts.h"
#include "eb_rp2.h"

#define CLK_REF_CTRL EB_REG(EB_CLOCKS_BASE + 0x30u)
#define REF_CTRL_ROSC 0u
#define REF_CTRL_XOSC 2u
#define CLK_REF_SELECTED EB_REG(EB_CLOCKS_BASE + 0x38u)
#define CLK_SYS_CTRL EB_REG(EB_CLOCKS_BASE + 0x3Cu)
#define SYS_CTRL_SRC_AUX 1u     /* 0: CLK_REF */
#define SYS_CTRL_AUX_PLL_SYS 1u /* AUXSRC, bits 7 to 5, is 0 */
#define CLK_SYS_SELECTED EB_REG(EB_CLOCKS_BASE + 0x44u)

#define XOSC_CTRL EB_REG(EB_XOSC_BASE + 0x00u)
#define XOSC_CTRL_1_15MHZ 0xAA0u
#define XOSC_CTRL_ENABLE (0xFABu << 12)
#define XOSC_STATUS EB_REG(EB_XOSC_BASE + 0x04u)
#define XOSC_STATUS_STABLE (1u << 31)
#define XOSC_STARTUP EB_REG(EB_XOSC_BASE + 0x0Cu)
#define STARTUP_1MS ((EB_CRYSTAL_HZ / 1000u + 128u) / 256u) /* in periods of 256 clocks */

#define PLL_CS EB_REG(EB_PLL_BASE + 0x00u)
#define CS_REFDIV_1 1u
#define CS_LOCK (1u << 31)
#define PLL_PWR EB_REG(EB_PLL_BASE + 0x04u)
#define PWR_PD (1u << 0)
#define PWR_POSTDIVPD (1u << 3)
#define PWR_VCOPD (1u << 5)
#define PLL_FBDIV_INT EB_REG(EB_PLL_BASE + 0x08u)
#define PLL_PRIM EB_REG(EB_PLL_BASE + 0x0Cu)
#define PRIM_POSTDIV1(n) ((n) << 16)
#define PRIM_POSTDIV2(n) ((n) << 12)

/* The SELECTED registers have one bit for each source. */
static void
select_source(volatile uint32_t *control, const volatile uint32_t *selected, uint32_t source)
{
    *control = source;
    (void)eb_wait(selected, 1u << source, 1u << source);
}

static void start_pll(void)
{
    RESETS_RESET |= 1u << EB_PLL_RESET_BIT;
    rp2_release(1u << EB_PLL_RESET_BIT);
    PLL_CS = CS_REFDIV_1;
    PLL_FBDIV_INT = EB_PLL_FEEDBACK;
    PLL_PWR &= ~(PWR_PD | PWR_VCOPD);
    (void)eb_wait(&PLL_CS, CS_LOCK, CS_LOCK);
    PLL_PRIM = PRIM_POSTDIV1(EB_PLL_DIVIDER_1) | PRIM_POSTDIV2(EB_PLL_DIVIDER_2);
    PLL_PWR &= ~PWR_POSTDIVPD;
}

void eb_init_clock(void)
{
    /* Away from the PLL before it is set up, whatever ran before this program; AUXSRC must not
     * change while the clock comes from there, as after a reset of the RP2350. */
    CLK_SYS_CTRL &= ~SYS_CTRL_SRC_AUX;
    (void)eb_wait(&CLK_SYS_SELECTED, 1u, 1u);
    select_source(&CLK_REF_CTRL, &CLK_REF_SELECTED, REF_CTRL_ROSC);
    XOSC_STARTUP = STARTUP_1MS;
    XOSC_CTRL = XOSC_CTRL_1_15MHZ;
    XOSC_CTRL = XOSC_CTRL_1_15MHZ | XOSC_CTRL_ENABLE;
    if (!eb_wait(&XOSC_STATUS, XOSC_STATUS_STABLE, XOSC_STATUS_STABLE)) {
        return;
    }
    select_source(&CLK_REF_CTRL, &CLK_REF_SELECTED, REF_CTRL_XOSC);
    start_pll();
    select_source(&CLK_SYS_CTRL, &CLK_SYS_SELECTED, SYS_CTRL_AUX_PLL_SYS);
}
