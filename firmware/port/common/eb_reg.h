/* Access to memory-mapped registers. */
#ifndef EB_REG_H
#define EB_REG_H

#include <stdint.h>

#define EB_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Waits until (*reg & mask) == value; returns 1, or 0 when that did not come. In eb_wait.c. */
int eb_wait(const volatile uint32_t *reg, uint32_t mask, uint32_t value);

/* Replaces the bits under `mask` by `value`. */
static inline void eb_modify(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    *reg = (*reg & ~mask) | value;
}

#endif
