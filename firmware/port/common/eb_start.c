/* From the reset vector to main(): memory as C expects it. */
#include "eb_port.h"
#include "eb_port_parts.h"

extern uint32_t __eb_data_start[];
extern uint32_t __eb_data_end[];
extern const uint32_t __eb_data_load[];
extern uint32_t __eb_bss_start[];
extern uint32_t __eb_bss_end[];
extern int main(void);

/* Bytes below this function's frame that are left alone while the stack is painted. */
#define PAINT_MARGIN 64u

/* The volatile accesses keep the compiler from turning these loops into calls of memset and
 * memcpy, which would paint over their own return address. */
static void paint_stack(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) - PAINT_MARGIN;
    for (volatile uint32_t *word = __eb_stack_bottom; (uintptr_t)word < here; word++) {
        *word = EB_PORT_STACK_PAINT;
    }
}

void eb_start(void)
{
    paint_stack();
    const uint32_t *load = __eb_data_load;
    for (volatile uint32_t *word = __eb_data_start; word < __eb_data_end; word++) {
        *word = *load++;
    }
    for (volatile uint32_t *word = __eb_bss_start; word < __eb_bss_end; word++) {
        *word = 0u;
    }
    (void)main();
    for (;;) {
    }
}
