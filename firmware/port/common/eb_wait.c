#include "eb_reg.h"

/* Polls of a ready bit before the port goes on without it: a dead oscillator must not hang it. */
#define EB_WAIT_POLLS 1000000u

int eb_wait(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t poll = 0; poll < EB_WAIT_POLLS; poll++) {
        if ((*reg & mask) == value) {
            return 1;
        }
    }
    return 0;
}
