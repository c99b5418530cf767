/* i.MX RT1062: 528 to 600 MHz from the Arm PLL and the 24 MHz crystal, which the boot ROM has
 * started (IMXRT1060RM chapters 14 CCM and CCM_ANALOG, 18 DCDC). */
#include "eb_cortex_m7_cache.h"
#include "eb_port_parts.h"
#include "imxrt.h"

#define CCM_CACRR EB_REG(0x400FC010u)
#define CACRR_ARM_PODF_2 1u
#define CCM_CBCDR EB_REG(0x400FC014u)
#define CBCDR_IPG_PODF_MASK (3u << 8)
#define CBCDR_IPG_PODF_4 (3u << 8) /* at most 150 MHz */
#define CBCDR_AHB_PODF_MASK (7u << 10)
#define CBCDR_PERIPH_CLK_SEL (1u << 25) /* 1: PERIPH_CLK2, 0: PRE_PERIPH_CLK */
#define CBCDR_PERIPH_CLK2_PODF_MASK (7u << 27)
#define CCM_CBCMR EB_REG(0x400FC018u)
#define CBCMR_PERIPH_CLK2_SEL_MASK (3u << 12)
#define CBCMR_PERIPH_CLK2_SEL_CRYSTAL (1u << 12)
#define CBCMR_PRE_PERIPH_CLK_SEL_ARM_PLL (3u << 18)
#define CCM_CDHIPR EB_REG(0x400FC048u) /* a change of a divider or a source is under way */

#define PLL_ARM EB_REG(0x400D8000u)
#define PLL_ARM_DIV_SELECT(n) (n)
#define PLL_ARM_POWERDOWN (1u << 12)
#define PLL_ARM_ENABLE (1u << 13)
#define PLL_ARM_LOCK (1u << 31)

#define DCDC_REG0 EB_REG(0x40080000u)
#define REG0_STS_DC_OK (1u << 31)
#define DCDC_REG3 EB_REG(0x4008000Cu)
#define REG3_TRG_MASK 0x1Fu
#define REG3_TRG_1250_MV ((1250u - 800u) / 25u)

#define SYST_CSR EB_REG(0xE000E010u)
#define MPU_CTRL EB_REG(0xE000ED94u)
#define MPU_CTRL_ENABLE 1u
#define MPU_RBAR EB_REG(0xE000ED9Cu)
#define RBAR_VALID (1u << 4)
#define MPU_RASR EB_REG(0xE000EDA0u)
#define RASR_ENABLE 1u
#define RASR_SIZE(log2) (((log2) - 1u) << 1)
#define RASR_NO_ACCESS (1u << 28) /* XN; AP is 0, strongly ordered */
#define RASR_DEVICE (1u << 28 | 3u << 24 | 2u << 19)
#define RASR_DATA (1u << 28 | 3u << 24 | 1u << 19 | 3u << 16) /* XN, write-back, write-allocate */
#define RASR_CODE (6u << 24 | 1u << 19 | 3u << 16)            /* read-only, the same caching */

#define DIV_SELECT (EB_CLOCK_HZ / (EB_CRYSTAL_HZ / 4u)) /* crystal x DIV_SELECT / 2, then / 2 */

static void set_region(uint32_t number, uint32_t start, uint32_t attributes)
{
    MPU_RBAR = start | RBAR_VALID | number;
    MPU_RASR = attributes | RASR_ENABLE;
}

/* A Cortex-M7 reads ahead of what the program asks for, anywhere in memory that may be cached.
 * Nothing answers in the windows of memories that are not there, so those are no memory. */
static void protect(void)
{
    MPU_CTRL = 0u;
    eb_barrier();
    set_region(0u, 0x00000000u, RASR_SIZE(32u) | RASR_NO_ACCESS);
    set_region(1u, 0x20000000u, RASR_SIZE(19u) | RASR_DATA); /* DTCM */
    set_region(2u, 0x20200000u, RASR_SIZE(20u) | RASR_DATA); /* OCRAM */
    set_region(3u, 0x40000000u, RASR_SIZE(26u) | RASR_DEVICE);
    set_region(4u, 0x60000000u, RASR_SIZE(24u) | RASR_CODE); /* flash */
    MPU_CTRL = MPU_CTRL_ENABLE;
    eb_barrier();
}

static void change(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    eb_modify(reg, mask, value);
    (void)eb_wait(&CCM_CDHIPR, 0xFFFFFFFFu, 0u);
}

static void raise_voltage(void)
{
    imxrt_clock(IMXRT_CCGR6, IMXRT_CCGR6_DCDC);
    if ((DCDC_REG3 & REG3_TRG_MASK) < REG3_TRG_1250_MV) {
        eb_modify(&DCDC_REG3, REG3_TRG_MASK, REG3_TRG_1250_MV);
        (void)eb_wait(&DCDC_REG0, REG0_STS_DC_OK, REG0_STS_DC_OK);
    }
}

void eb_init_clock(void)
{
    SYST_CSR = 0u;
    protect();
    raise_voltage();
    /* On the crystal while the PLL is set up. */
    change(&CCM_CBCMR, CBCMR_PERIPH_CLK2_SEL_MASK, CBCMR_PERIPH_CLK2_SEL_CRYSTAL);
    change(&CCM_CBCDR, CBCDR_PERIPH_CLK2_PODF_MASK, 0u);
    change(&CCM_CBCDR, CBCDR_PERIPH_CLK_SEL, CBCDR_PERIPH_CLK_SEL);
    PLL_ARM = PLL_ARM_POWERDOWN;
    PLL_ARM = PLL_ARM_ENABLE | PLL_ARM_DIV_SELECT(DIV_SELECT);
    if (eb_wait(&PLL_ARM, PLL_ARM_LOCK, PLL_ARM_LOCK)) {
        change(&CCM_CACRR, 7u, CACRR_ARM_PODF_2);
        change(&CCM_CBCDR, CBCDR_AHB_PODF_MASK | CBCDR_IPG_PODF_MASK, CBCDR_IPG_PODF_4);
        change(&CCM_CBCMR, CBCMR_PRE_PERIPH_CLK_SEL_ARM_PLL, CBCMR_PRE_PERIPH_CLK_SEL_ARM_PLL);
        change(&CCM_CBCDR, CBCDR_PERIPH_CLK_SEL, 0u);
    }
    if ((SCB_CCR & CCR_DC) ==
        0u) { /* else the boot ROM has enabled them, and there is data in them */
        eb_cortex_m7_enable_caches();
    }
}
