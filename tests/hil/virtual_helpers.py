"""Boards and tiny bare-metal programs for the tests of the virtual board."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edgebottle.boards import Board, Region, Uart


def make_board(
    id: str,
    cpu: str,
    port: str,
    uart: int,
    flash: tuple[int, int],
    ram: tuple[int, int],
    cycle_counter: str = "dwt",
    cycle_divider: int = 1,
) -> Board:
    return Board(
        id=id,
        name=id,
        vendor="test",
        mcu=id,
        cpu=cpu,
        dsp=cpu in ("cortex-m4", "cortex-m7", "cortex-m33"),
        fpu=cpu in ("cortex-m4", "cortex-m7", "cortex-m33"),
        clock_hz=100_000_000,
        regions=(Region("flash", *flash), Region("ram", *ram)),
        uart=Uart("USART", uart, "PA9", "PA10"),
        cycle_counter=cycle_counter,
        cycle_divider=cycle_divider,
        port=port,
        platformio_board=id,
        upload="none",
        virtual=True,
        tried_on_hardware=False,
        stack_size=2048,
    )


_STM32 = {"flash": (0x08000000, 0x80000), "ram": (0x20000000, 0x10000)}
F7 = make_board("f7", "cortex-m7", "stm32f7", 0x40011000, **_STM32)
L4 = make_board("l4", "cortex-m4", "stm32l4", 0x40008000, **_STM32)
U5 = make_board("u5", "cortex-m33", "stm32u5", 0x40013800, **_STM32)
G0 = make_board(
    "g0", "cortex-m0plus", "stm32g0", 0x40004400, **_STM32, cycle_counter="timer:0x40000000"
)
NRF51 = make_board(
    "nrf51",
    "cortex-m0",
    "nrf5",
    0x40002000,
    (0, 0x40000),
    (0x20000000, 0x4000),
    cycle_counter="timer:0x40008000",
)
NRF52 = make_board("nrf52", "cortex-m4", "nrf5", 0x40002000, (0, 0x40000), (0x20000000, 0x4000))
GD32 = make_board(
    "gd32",
    "rv32imac",
    "gd32vf103",
    0x40013800,
    **_STM32,
    cycle_counter="mtime",
    cycle_divider=4,
)
BOARDS = (F7, L4, U5, G0, NRF51, NRF52, GD32)

_TARGETS = {
    "cortex-m0": ("thumb-freestanding-eabi", "cortex_m0"),
    "cortex-m0plus": ("thumb-freestanding-eabi", "cortex_m0plus"),
    "cortex-m4": ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
    "cortex-m7": ("thumb-freestanding-eabihf", "cortex_m7+fp_armv8d16sp"),
    "cortex-m33": ("thumb-freestanding-eabihf", "cortex_m33+dsp+fp_armv8d16sp"),
    "rv32imac": ("riscv32-freestanding-none", "generic_rv32+m+a+c"),
}

# Address of the status register, its bits "byte received" and "can send", data registers, set-up.
_UARTS = {
    "stm32": "uart[0] = 0xDu;",
    "nrf5": "uart[0x500 / 4] = 4u; uart[0] = 1u; uart[2] = 1u;",
    "gd32vf103": "uart[3] = 0x200Cu;",
}
_GETC = {
    "stm32": "return uart[7] & 0x20u ? (int)uart[9] : -1;",
    "nrf5": "if (!uart[0x108 / 4]) return -1; uart[0x108 / 4] = 0; return (int)uart[0x518 / 4];",
    "gd32vf103": "return uart[0] & 0x20u ? (int)uart[1] : -1;",
}
_PUTC = {
    "stm32": "while (!(uart[7] & 0x80u)) {} uart[10] = (uint8_t)c;",
    "nrf5": "uart[0x11C / 4] = 0; uart[0x51C / 4] = (uint8_t)c; while (!uart[0x11C / 4]) {}",
    "gd32vf103": "while (!(uart[0] & 0x80u)) {} uart[1] = (uint8_t)c;",
}

_PRELUDE = """
#include <stdint.h>
#define REG(address) (*(volatile uint32_t *)(address))
#define NAKED __attribute__((naked, noinline, used))
#define NOINLINE __attribute__((noinline, used))
static volatile uint32_t *const uart = (volatile uint32_t *)%(uart)#xu;
extern char __eb_stack_top[];
static inline void uart_init(void) { %(init)s }
static inline int uart_getc(void) { %(getc)s }
static inline void uart_putc(char c) { %(putc)s }
static inline void print(const char *s) { while (*s) { uart_putc(*s++); } }
static inline void print_hex(uint32_t v)
{
    for (int i = 28; i >= 0; i -= 4) { uart_putc("0123456789abcdef"[v >> i & 15u]); }
    print("\\r\\n");
}
static inline void fpu_on(void) { %(fpu)s }
int main(void);
"""
_ARM_START = """
__attribute__((used, noreturn)) void reset(void) { main(); for (;;) {} }
__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    __eb_stack_top, (void *)reset};
"""
_RISCV_START = """
__attribute__((naked, used, section(".vectors"))) void reset(void)
{ __asm volatile("la sp, __eb_stack_top\\n call main\\n 1: j 1b"); }
"""
_LINKER = """
ENTRY(reset)
SECTIONS {
  . = %(flash)#x;
  __eb_image_start = .;
  .text : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }
  .ARM.exidx : { *(.ARM.exidx*) }
  __eb_image_end = .;
  . = %(ram)#x;
  .bss (NOLOAD) : { *(.bss .bss.* .data .data.* COMMON) }
  __eb_stack_bottom = %(ram)#x + %(ram_size)#x - 2048;
  __eb_stack_top = %(ram)#x + %(ram_size)#x;
}
"""


@dataclass(frozen=True)
class Program:
    """C code with a ``main``; it may use the functions of the prelude above."""

    code: str
    flags: tuple[str, ...] = ()


def compile_program(program: Program, board: Board, folder: Path) -> Path:
    """Compiles and links ``program`` for ``board``; returns the ELF's path."""
    assert board.uart is not None
    target, cpu = _TARGETS[board.cpu]
    uart = "stm32" if board.port.startswith("stm32") else board.port
    prelude = _PRELUDE % {
        "uart": board.uart.base,
        "init": _UARTS[uart],
        "getc": _GETC[uart],
        "putc": _PUTC[uart],
        "fpu": "REG(0xE000ED88u) = 0xFu << 20;" if board.fpu else "",
    }
    start = _RISCV_START if board.cpu == "rv32imac" else _ARM_START
    source, script, elf = folder / "p.c", folder / "p.ld", folder / f"{board.id}.elf"
    source.write_text(prelude + start + program.code)
    flash, ram = board.region("flash"), board.region("ram")
    script.write_text(_LINKER % {"flash": flash.start, "ram": ram.start, "ram_size": ram.size})
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={cpu}"]
    command += ["-Os", "-g", "-ffreestanding", "-fno-builtin", "-nostdlib", "-fno-sanitize=all"]
    command += ["-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
    command += [*program.flags, f"-Wl,-T,{script}", str(source), "-o", str(elf)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return elf
