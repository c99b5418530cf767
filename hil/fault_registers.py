"""What the fault registers of a Cortex-M say, in words (Armv7-M and Armv8-M ARM, CFSR and HFSR)."""

from __future__ import annotations

CFSR, HFSR, MMFAR, BFAR = 0xE000ED28, 0xE000ED2C, 0xE000ED34, 0xE000ED38
"""Addresses of the registers."""

MMFAR_VALID, BFAR_VALID = 1 << 7, 1 << 15
"""Bits of CFSR: the address that could not be accessed is known."""

_CFSR_BITS = {
    0: "IACCVIOL: code was fetched where the memory protection forbids it",
    1: "DACCVIOL: data was accessed where the memory protection forbids it",
    3: "MUNSTKERR: protected memory as an exception returned",
    4: "MSTKERR: protected memory as an exception was entered: the stack is full or broken",
    5: "MLSPERR: protected memory as floating-point registers were saved",
    8: "IBUSERR: code was fetched where there is none",
    9: "PRECISERR: data was accessed where nothing answers",
    10: "IMPRECISERR: an earlier write went where nothing answers; PC is behind it",
    11: "UNSTKERR: the bus failed as an exception returned",
    12: "STKERR: the bus failed as an exception was entered: the stack is full or broken",
    13: "LSPERR: the bus failed as floating-point registers were saved",
    16: "UNDEFINSTR: an undefined instruction",
    17: "INVSTATE: a jump to an address without the Thumb bit",
    18: "INVPC: a broken return from an exception",
    19: "NOCP: a coprocessor, such as the FPU, that is not there or not enabled",
    20: "STKOF: the stack pointer went below its limit",
    24: "UNALIGNED: an access at an address that is not aligned",
    25: "DIVBYZERO: a division by zero",
}
_HFSR_BITS = {
    1: "VECTTBL: the vector table could not be read",
    30: "FORCED: raised from the fault that CFSR names",
    31: "DEBUGEVT: a breakpoint without a debugger",
}


def cfsr_words(value: int) -> tuple[str, ...]:
    """Each bit of CFSR that is set, by its name, with what it means; reserved ones too."""
    return _words(value, _CFSR_BITS, MMFAR_VALID | BFAR_VALID)


def hfsr_words(value: int) -> tuple[str, ...]:
    """Likewise of HFSR."""
    return _words(value, _HFSR_BITS, 0)


def _words(value: int, meanings: dict[int, str], silent: int) -> tuple[str, ...]:
    bits = (bit for bit in range(32) if value >> bit & 1 and not silent >> bit & 1)
    return tuple(meanings.get(bit, f"bit {bit}, which is reserved") for bit in bits)
