/* Reset and trap entry of RISC-V cores (RISC-V privileged specification, machine mode). */
#include "eb_port.h"
#include "eb_port_parts.h"

void eb_reset(void);
void eb_trap(void);
__attribute__((noreturn)) void eb_trap_in_c(uint32_t return_address);

/* First word of the flash. The core starts at address 0, an alias of the flash, so the first thing
 * is an absolute jump to where the code is linked. */
__attribute__((section(".eb_vectors"), naked, noreturn, used)) void eb_reset(void)
{
    __asm__ volatile(".option push\n"
                     ".option norelax\n"
                     "csrw mie, zero\n"
                     "lui t0, %hi(1f)\n"
                     "addi t0, t0, %lo(1f)\n"
                     "jr t0\n"
                     "1:\n"
                     "lui sp, %hi(__eb_stack_top)\n"
                     "addi sp, sp, %lo(__eb_stack_top)\n"
                     "lui t0, %hi(eb_trap)\n"
                     "addi t0, t0, %lo(eb_trap)\n"
                     "csrw mtvec, t0\n"
                     "lui t0, %hi(eb_start)\n"
                     "addi t0, t0, %lo(eb_start)\n"
                     "jr t0\n"
                     ".option pop\n");
}

/* 64-byte aligned: the low six bits of the Bumblebee core's mtvec select a mode, 0 being "all traps
 * to this address". The stack may be what broke: the report runs on a fresh one. */
__attribute__((naked, aligned(64), used)) void eb_trap(void)
{
    __asm__ volatile("mv a0, ra\n"
                     "lui sp, %hi(__eb_stack_top)\n"
                     "addi sp, sp, %lo(__eb_stack_top)\n"
                     "j eb_trap_in_c\n");
}

__attribute__((used)) void eb_trap_in_c(uint32_t return_address)
{
    uint32_t pc;
    uint32_t cause;
    __asm__ volatile("csrr %0, mepc" : "=r"(pc));
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    eb_fault_report(pc, return_address, cause);
}
