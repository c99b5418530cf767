/* One program for all boards: each received character makes it do one thing and print the result as
 * 8 hexadecimal digits. The instructions of the step functions are counted by hand. */
#include "virtual_helpers_board.h"

#ifdef __riscv
#define BREAKPOINT "ebreak"
#define UNDEFINED ".word 0xffffffff"
#else
#define BREAKPOINT "bkpt #0"
#define UNDEFINED "udf #0"
#endif

/* A loop of 1000. Arm: 2 + 2 * 1000 + 1 = 2003; RISC-V: 1 + 2 * 1000 + 1 = 2002. */
NAKED void step_00_loop(void)
{
#ifdef __riscv
    __asm volatile("li a0, 1000\n 1: addi a0, a0, -1\n bnez a0, 1b\n ret");
#else
    __asm volatile("movs r0, #250\n lsls r0, r0, #2\n 1: subs r0, #1\n bne 1b\n bx lr");
#endif
}

/* Straight code over several pages, 4-byte instructions at odd halfwords where there are such:
 * 1 + 1500 + 1 = 1502. */
NAKED void step_01_straight(void)
{
#if defined(__riscv)
    __asm volatile("c.nop\n .option push\n .option norvc\n .rept 1500\n nop\n .endr\n"
                   ".option pop\n ret");
#elif defined(__ARM_FEATURE_IDIV)
    __asm volatile("nop\n .rept 1500\n nop.w\n .endr\n bx lr");
#else
    __asm volatile("nop\n .rept 1500\n nop\n .endr\n bx lr");
#endif
}

/* Calls a step's code, as a helper: 2 instructions more than 01. A callee is the caller's. */
NAKED void step_02_calls(void)
{
#ifdef __riscv
    __asm volatile("mv t0, ra\n call helper\n mv ra, t0\n ret");
#else
    __asm volatile("push {r4, lr}\n bl helper\n pop {r4, pc}");
#endif
}

/* 1 + 100 + 1 */
NAKED void helper(void)
{
#ifdef __riscv
    __asm volatile("nop\n .rept 100\n nop\n .endr\n ret");
#else
    __asm volatile("nop\n .rept 100\n nop\n .endr\n bx lr");
#endif
}

/* Conditional instructions count whether they take effect or not: 4 or, without IT, 5. */
NAKED void step_03_conditional(void)
{
#if defined(__riscv)
    __asm volatile("nop\n nop\n nop\n nop\n ret");
#elif defined(__ARM_FEATURE_IDIV)
    __asm volatile("cmp r0, r0\n itt ne\n movne r0, #1\n movne r1, #1\n bx lr");
#else
    __asm volatile("nop\n nop\n nop\n nop\n bx lr");
#endif
}

/* Calls the helper of step 02 twice: 204 and, with `call` as two instructions, 4 or 7. */
NAKED void step_04_calls_twice(void)
{
#ifdef __riscv
    __asm volatile("mv t0, ra\n call helper\n call helper\n mv ra, t0\n ret");
#else
    __asm volatile("push {r4, lr}\n bl helper\n bl helper\n pop {r4, pc}");
#endif
}

/* Reads a table of 64 words from flash. Arm: 2 + 4 * 64 + 1 = 259; RISC-V, with `la` as two
 * instructions: 3 + 4 * 64 + 1 = 260. */
NAKED void step_05_reads(void)
{
#ifdef __riscv
    __asm volatile("la a0, table\n li a1, 64\n 1: lw a2, 0(a0)\n addi a0, a0, 4\n"
                   "addi a1, a1, -1\n bnez a1, 1b\n ret");
#else
    __asm volatile("ldr r0, =table\n movs r1, #64\n 1: ldr r2, [r0]\n adds r0, #4\n"
                   "subs r1, #1\n bne 1b\n bx lr\n .p2align 2\n .ltorg");
#endif
}

/* Reads from flash, RAM, flash, flash, and writes to RAM. Arm: 6; RISC-V, with `la` as two
 * instructions: 7. */
NAKED void step_06_reads_in_turn(void)
{
#ifdef __riscv
    __asm volatile("la a0, other\n lw a1, 0(sp)\n lw a2, 0(a0)\n lw a3, 4(a0)\n sw a1, 0(sp)\n"
                   "ret");
#else
    __asm volatile("ldr r0, =other\n ldr r1, [sp]\n ldr r2, [r0]\n ldr r3, [r0, #4]\n"
                   "str r1, [sp]\n bx lr\n .p2align 2\n .ltorg");
#endif
}

__attribute__((aligned(32), used)) const uint32_t table[64] = {1u};
__attribute__((aligned(32), used)) const uint32_t other[2] = {1u, 2u};

NOINLINE void overflow(volatile char *above)
{
    volatile char buffer[64];
    buffer[0] = above[0];
    overflow(buffer);
    buffer[1] = above[1];
}

#ifdef __ARM_FP
NOINLINE uint32_t fpu(void)
{
    uint32_t bits;
    __asm volatile("vmov.f32 s0, #1.5\n vmov.f32 s1, #2.0\n vmov.f32 s2, #0.5\n"
                   "vfma.f32 s2, s0, s1\n vmov %0, s2"
                   : "=r"(bits)
                   :
                   : "s0", "s1", "s2");
    return bits; /* 1.5 * 2 + 0.5 */
}
#endif

#ifdef __ARM_FEATURE_DSP
static void dsp(void)
{
    uint32_t a = 0x7FFF8002u, b = 0x00038003u, result;
    __asm volatile("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(1000));
    print_hex(result);
    __asm volatile("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(0x80FF7F01u));
    print_hex(result);
    __asm volatile("smmul %0, %1, %2" : "=r"(result) : "r"(0x40000000u), "r"(0xFFFFFFF0u));
    print_hex(result);
    __asm volatile("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
    print_hex(result);
    __asm volatile("ssat %0, #8, %1" : "=r"(result) : "r"(-300));
    print_hex(result);
}
#endif

static void steps(void)
{
    step_00_loop();
    step_01_straight();
    step_02_calls();
    step_03_conditional();
    step_04_calls_twice();
    step_05_reads();
    step_06_reads_in_turn();
    step_01_straight();
    print_hex(0);
}

static void timing(void)
{
    cycles_init();
    uint32_t start = cycles();
    step_00_loop();
    print_hex(cycles() - start);
}

static void fault(int c)
{
    if (c == 'r') {
        print_hex(REG(0x60000000u));
    } else if (c == 'w') {
        REG(0x60000004u) = 1u;
    } else if (c == 'f') {
        REG((uintptr_t)main & ~(uintptr_t)3u) = 1u;
    } else if (c == 'j') {
        ((void (*)(void))(uintptr_t)0x20000001u)();
    } else if (c == 'n') {
        ((void (*)(void))(uintptr_t)0xF0000001u)();
    } else if (c == 'b') {
        __asm volatile(BREAKPOINT);
    } else if (c == 'u') {
        __asm volatile(UNDEFINED);
#ifndef __riscv
    } else if (c == 't') {
        __asm volatile(".short 0xFBB0, 0xF0F1" ::: "r0"); /* UDIV: not on Cortex-M0 */
        print_hex(0);
#endif
    } else if (c == 's') {
        overflow(__eb_stack_top - 4);
    } else if (c == 'R') {
        REG(0xE000ED0Cu) = 0x05FA0004u;
    } else if (c == 'l') {
        for (;;) {
            __asm volatile("");
        }
    }
}

int main(void)
{
    uart_init();
    for (;;) {
        int c = uart_getc();
        if (c == 'e') {
            print_hex(0x12345678u);
        } else if (c == 'x') {
            steps();
        } else if (c == 'c') {
            timing();
        } else if (c == 'E') {
            fpu_on();
#ifdef __ARM_FP
        } else if (c == 'p') {
            print_hex(fpu());
#endif
#ifdef __ARM_FEATURE_DSP
        } else if (c == 'd') {
            dsp();
#endif
        } else if (c == 'W') {
            __asm volatile("wfi");
        } else if (c == '{') { /* echo until } */
            while ((c = uart_getc()) != '}') {
                if (c >= 0) {
                    uart_putc((char)c);
                }
            }
            uart_putc('\n');
        } else if (c >= 0) {
            fault(c);
        }
    }
}
