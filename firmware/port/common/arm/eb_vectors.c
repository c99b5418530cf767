/* Vector table, reset and fault entry of the Cortex-M cores (Armv6-M, v7-M and v8-M ARM). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define SCB_VTOR 0xE000ED08u
#define SCB_CFSR 0xE000ED28u

/* Words of the frame that the core pushes on an exception: r0-r3, r12, lr, pc, xpsr. */
#define FRAME_WORDS 8u
#define FRAME_LR 5u
#define FRAME_PC 6u

void eb_reset(void);
void eb_fault(void);
__attribute__((noreturn)) void eb_fault_in_c(const uint32_t *frame);

typedef void (*vector)(void);
struct vector_table {
    const uint32_t *initial_sp;
    vector reset;
    vector others[14];
};

__attribute__((section(".eb_vectors"), used)) static const struct vector_table vectors = {
    .initial_sp = __eb_stack_top,
    .reset = eb_reset,
    /* No interrupt is ever enabled: everything else is an error. */
    .others = {eb_fault, eb_fault, eb_fault, eb_fault, eb_fault, eb_fault, eb_fault, eb_fault,
               eb_fault, eb_fault, eb_fault, eb_fault, eb_fault, eb_fault},
};

__attribute__((naked, noreturn)) void eb_reset(void)
{
    __asm__ volatile(
#if defined(__ARM_FP)
        /* CPACR: full access to CP10 and CP11, before any code that may use the FPU. */
        "movw r0, #0xED88\n"
        "movt r0, #0xE000\n"
        "ldr r1, [r0]\n"
        "orr r1, r1, #0xF00000\n"
        "str r1, [r0]\n"
        "dsb\n"
        "isb\n"
#endif
        "ldr r0, =eb_reset_in_c\n"
        "bx r0\n"
        ".pool\n");
}

__attribute__((noreturn, used)) void eb_reset_in_c(void)
{
#if __ARM_ARCH >= 7
    EB_REG(SCB_VTOR) = (uint32_t)(uintptr_t)&vectors;
#endif
    eb_start();
}

/* The stack may be what broke: near its end, or beyond, the report starts again from its top. */
__attribute__((naked, used)) void eb_fault(void)
{
    __asm__ volatile("mrs r0, msp\n"
                     "ldr r1, =__eb_stack_bottom + 256\n"
                     "cmp r0, r1\n"
                     "bhs 1f\n"
                     "ldr r1, =__eb_stack_top\n"
                     "mov sp, r1\n"
                     "1:\n"
                     "ldr r1, =eb_fault_in_c\n"
                     "bx r1\n"
                     ".pool\n");
}

__attribute__((used)) void eb_fault_in_c(const uint32_t *frame)
{
    uint32_t status = 0u;
    uint32_t pc = 0u;
    uint32_t lr = 0u;
    /* A frame outside the stack was never written. */
    if (frame >= __eb_stack_bottom && frame + FRAME_WORDS <= __eb_stack_top) {
        pc = frame[FRAME_PC];
        lr = frame[FRAME_LR];
    }
#if __ARM_ARCH >= 7
    status = EB_REG(SCB_CFSR);
#endif
    eb_fault_report(pc, lr, status);
}
