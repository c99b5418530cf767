/* Registers of the i.MX RT1062 that its port shares (IMXRT1060RM chapter 14). */
#ifndef EB_IMXRT_H
#define EB_IMXRT_H

#include "eb_reg.h"

#define IMXRT_CCGR4 0x400FC078u
#define IMXRT_CCGR4_IOMUXC 2u /* the first of two bits */
#define IMXRT_CCGR6 0x400FC080u
#define IMXRT_CCGR6_DCDC 6u

/* Gives a block its clock, by the two bits of a CCGR register from `bit` on. */
static inline void imxrt_clock(uint32_t ccgr, uint32_t bit)
{
    EB_REG(ccgr) |= 3u << bit;
    (void)EB_REG(ccgr);
}

#endif
