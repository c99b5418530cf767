/* Registers of the SAM D21 that its port shares (SAM D21 data sheet, DS40001882). Many are 8 or 16
 * bits wide and are written in just that width. */
#ifndef EB_SAMD21_H
#define EB_SAMD21_H

#include "eb_reg.h"

#define SAMD21_REG8(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define SAMD21_REG16(address) (*(volatile uint16_t *)(uintptr_t)(address))

/* Chapter 16, power manager. */
#define PM_APBCMASK EB_REG(0x40000420u)
#define APBCMASK_TC4 (1u << 12)
#define APBCMASK_TC5 (1u << 13)

/* Chapter 15, generic clock controller. */
#define GCLK_STATUS SAMD21_REG8(0x40000C01u)
#define STATUS_SYNCBUSY (1u << 7) /* here and in the timers */
#define GCLK_CLKCTRL SAMD21_REG16(0x40000C02u)
#define CLKCTRL_CLKEN (1u << 14)
#define CLKCTRL_GEN(n) ((n) << 8)
#define CLKCTRL_DFLL_REFERENCE 0x00u
#define CLKCTRL_TC4_TC5 0x1Cu

#define SAMD21_SYNC_POLLS 100000u

/* Waits, with a bound, until the bits `mask` of an 8-bit register are 0. */
static inline void samd21_wait_clear(const volatile uint8_t *reg, uint8_t mask)
{
    for (uint32_t poll = 0; poll < SAMD21_SYNC_POLLS && (*reg & mask) != 0u; poll++) {
    }
}

/* Clocks the peripheral `id` from generator `generator`. */
static inline void samd21_clock(uint32_t id, uint32_t generator)
{
    GCLK_CLKCTRL = (uint16_t)(CLKCTRL_CLKEN | CLKCTRL_GEN(generator) | id);
    samd21_wait_clear(&GCLK_STATUS, STATUS_SYNCBUSY);
}

#endif
