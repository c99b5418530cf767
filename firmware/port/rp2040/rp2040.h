/* Registers of the RP2040 that its port shares (RP2040 Datasheet). */
#ifndef EB_RP2040_H
#define EB_RP2040_H

#include "eb_reg.h"

/* 2.14: a block that is held in reset reads 0 and takes no writes. */
#define RESETS_RESET EB_REG(0x4000C000u)
#define RESETS_RESET_DONE EB_REG(0x4000C008u)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_TIMER (1u << 21)

/* Lets the blocks out of reset. */
static inline void rp2040_release(uint32_t blocks)
{
    RESETS_RESET &= ~blocks;
    (void)eb_wait(&RESETS_RESET_DONE, blocks, blocks);
}

#endif
