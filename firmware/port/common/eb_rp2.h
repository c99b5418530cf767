/* Registers of the RP2040 and the RP2350 that their ports share, as port.toml has their addresses
 * (RP2040 Datasheet 2.14, RP2350 Datasheet 7.5). */
#ifndef EB_RP2_H
#define EB_RP2_H

#include "eb_reg.h"

/* A block that is held in reset reads 0 and takes no writes. */
#define RESETS_RESET EB_REG(EB_RESETS_BASE + 0x00u)
#define RESETS_RESET_DONE EB_REG(EB_RESETS_BASE + 0x08u)

/* Lets the blocks out of reset. */
static inline void rp2_release(uint32_t blocks)
{
    RESETS_RESET &= ~blocks;
    (void)eb_wait(&RESETS_RESET_DONE, blocks, blocks);
}

#endif
