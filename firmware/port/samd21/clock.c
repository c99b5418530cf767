/* 48 MHz from the DFLL, locked to the 32.768 kHz crystal where the board file names one (data sheet
 * chapters 15 GCLK, 17 SYSCTRL, 22 NVMCTRL). Without it, or where it does not start, the DFLL runs
 * open-loop on its factory calibration, good enough for the UART. */
#include "eb_port_parts.h"
#include "samd21.h"

#define PCLKSR EB_REG(0x4000080Cu)
#define PCLKSR_XOSC32KRDY (1u << 1)
#define PCLKSR_DFLLRDY (1u << 4)
#define PCLKSR_DFLLLCKF (1u << 6)
#define PCLKSR_DFLLLCKC (1u << 7)
#define XOSC32K SAMD21_REG16(0x40000814u)
#define XOSC32K_ENABLE (1u << 1)
#define XOSC32K_XTALEN (1u << 2)
#define XOSC32K_EN32K (1u << 3)
#define XOSC32K_STARTUP_1S (5u << 8)
#define DFLLCTRL SAMD21_REG16(0x40000824u)
#define DFLLCTRL_ENABLE (1u << 1)
#define DFLLCTRL_MODE_CLOSED (1u << 2)
#define DFLLCTRL_QLDIS (1u << 9)
#define DFLLCTRL_WAITLOCK (1u << 11)
#define DFLLVAL EB_REG(0x40000828u)
#define DFLLVAL_COARSE(n) ((n) << 10)
#define DFLLVAL_FINE_MIDDLE 512u
#define DFLLMUL EB_REG(0x4000082Cu)
#define DFLLMUL_CSTEP(n) ((n) << 26)
#define DFLLMUL_FSTEP(n) ((n) << 16)
#if EB_CRYSTAL_HZ != 0
#define DFLLMUL_MUL ((EB_CLOCK_HZ + EB_CRYSTAL_HZ / 2u) / EB_CRYSTAL_HZ)
#else
#define DFLLMUL_MUL 0u /* unused: it never runs closed-loop */
#endif

#define GCLK_GENCTRL EB_REG(0x40000C04u)
#define GENCTRL_SRC_XOSC32K (5u << 8)
#define GENCTRL_SRC_DFLL48M (7u << 8)
#define GENCTRL_GENEN (1u << 16)
#define GENCTRL_IDC (1u << 17)

#define NVMCTRL_CTRLB EB_REG(0x41004004u)
#define CTRLB_RWS_MASK (15u << 1)
#define CTRLB_RWS_1 (1u << 1)

/* Bits 63:58 of the software calibration area (chapter 10.3.2). */
#define CALIBRATION_WORD_1 EB_REG(0x00806024u)
#define COARSE_CALIBRATION (CALIBRATION_WORD_1 >> 26)
#define COARSE_UNKNOWN 63u
#define COARSE_MIDDLE 31u

static void set_generator(uint32_t generator, uint32_t source)
{
    GCLK_GENCTRL = GENCTRL_GENEN | GENCTRL_IDC | source | generator;
    samd21_wait_clear(&GCLK_STATUS, STATUS_SYNCBUSY);
}

static void wait_for_dfll(void)
{
    (void)eb_wait(&PCLKSR, PCLKSR_DFLLRDY, PCLKSR_DFLLRDY);
}

static void start_dfll(int crystal_runs)
{
    /* Out of on-demand mode before anything else: a register of a DFLL that nobody has requested
     * must not be written (errata sheet DS80000760, DFLL48M). */
    DFLLCTRL = DFLLCTRL_ENABLE;
    wait_for_dfll();
    uint32_t coarse = COARSE_CALIBRATION;
    coarse = coarse == COARSE_UNKNOWN ? COARSE_MIDDLE : coarse;
    DFLLVAL = DFLLVAL_COARSE(coarse) | DFLLVAL_FINE_MIDDLE;
    wait_for_dfll();
    if (crystal_runs) {
        DFLLMUL = DFLLMUL_CSTEP(31u) | DFLLMUL_FSTEP(511u) | DFLLMUL_MUL;
        wait_for_dfll();
        DFLLCTRL = DFLLCTRL_ENABLE | DFLLCTRL_MODE_CLOSED | DFLLCTRL_QLDIS | DFLLCTRL_WAITLOCK;
        (void)eb_wait(&PCLKSR, PCLKSR_DFLLLCKC | PCLKSR_DFLLLCKF,
                      PCLKSR_DFLLLCKC | PCLKSR_DFLLLCKF);
    }
    wait_for_dfll();
}

static int start_crystal(void)
{
    if (EB_CRYSTAL_HZ == 0u) {
        return 0;
    }
    /* Enabled by a write of its own: the other fields must not change with it. */
    XOSC32K = XOSC32K_XTALEN | XOSC32K_EN32K | XOSC32K_STARTUP_1S;
    XOSC32K = XOSC32K_XTALEN | XOSC32K_EN32K | XOSC32K_STARTUP_1S | XOSC32K_ENABLE;
    return eb_wait(&PCLKSR, PCLKSR_XOSC32KRDY, PCLKSR_XOSC32KRDY);
}

void eb_init_clock(void)
{
    eb_modify(&NVMCTRL_CTRLB, CTRLB_RWS_MASK, CTRLB_RWS_1);
    int crystal_runs = start_crystal();
    if (crystal_runs) {
        set_generator(1u, GENCTRL_SRC_XOSC32K);
        samd21_clock(CLKCTRL_DFLL_REFERENCE, 1u);
    }
    start_dfll(crystal_runs);
    set_generator(0u, GENCTRL_SRC_DFLL48M);
}
