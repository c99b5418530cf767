/* Faults on its first run, as start-up code of ours would leave it: a painted stack, and a loop. */
#include <stdint.h>

extern uint32_t __eb_stack_bottom[], __eb_stack_top[];

void reset(void);
void fault(void);
void broken(volatile uint32_t *address);

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    __eb_stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0,
    fault,          fault, 0,     fault, fault,
};

__attribute__((noinline)) void broken(volatile uint32_t *address)
{
    volatile uint32_t room[64];
    room[0] = 1u;
#if KIND == 0
    room[1] = *address; /* the fault: nothing is there */
#elif KIND == 1
    *(volatile uint32_t *)0xE000ED14u = 1u << 4;  /* CCR: DIV_0_TRP */
    room[1] = 7u / (uint32_t)(room[2] - room[2]); /* the fault: by zero */
#else
    *(volatile uint32_t *)0xE000ED14u = 1u << 3;            /* CCR: UNALIGN_TRP */
    room[1] = *(volatile uint32_t *)((uintptr_t)room + 1u); /* the fault: unaligned */
#endif
}

void reset(void)
{
    uint32_t *here = (uint32_t *)__builtin_frame_address(0) - 32;
    for (volatile uint32_t *word = __eb_stack_bottom; word < here; word++) {
        *word = 0xA5A5A5A5u;
    }
    broken((volatile uint32_t *)0x60000000u);
    for (;;) {
    }
}

void fault(void)
{
    for (;;) {
    }
}
