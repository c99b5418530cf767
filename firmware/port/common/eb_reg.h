/* Access to memory-mapped registers. */
#ifndef EB_REG_H
#define EB_REG_H

#include <stdint.h>

#define EB_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Polls of a ready bit before the port goes on without it: a dead oscillator must not hang it. */
#define EB_WAIT_POLLS 1000000u

/* Waits until (*reg & mask) == value; returns 1, or 0 when that did not come. */
static inline int eb_wait(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t poll = 0; poll < EB_WAIT_POLLS; poll++) {
        if ((*reg & mask) == value) {
            return 1;
        }
    }
    return 0;
}

/* Replaces the bits under `mask` by `value`. */
static inline void eb_modify(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    *reg = (*reg & ~mask) | value;
}

#endif
