"""Turns the emulator's error codes into a fault with an address, a symbol and a sentence."""

from collections.abc import Callable

from edgebottle.build.elf import Elf
from hil.virtual.state import Fault

# eb_fault_kind of board.h; RUNAWAY is the watchdog's, not the native half's.
RUNAWAY = -1
NONE, UNMAPPED_REGISTER, STACK_OVERFLOW, RESET_REQUEST, FPU_DISABLED, MEMORY = range(6)


def explain(
    elf: Elf,
    cause: int,
    error: int,
    access: int,
    address: int,
    pc: int,
    lr: int,
    code: Callable[[int], bytes],
) -> Fault:
    """Describes why the CPU stopped.

    Args:
        elf: For the symbols.
        cause: ``eb_fault_kind``, or ``RUNAWAY``.
        error: Unicorn's error code.
        access: Unicorn's ``uc_mem_type``, or 0 and 1 for a read and write of a register.
        address: What was accessed.
        pc: Program counter.
        lr: Return address.
        code: Reads 4 bytes of code; none outside the flash.
    """
    kind, address, sentence = _classify(cause, access, address, pc) or _instruction(
        error, pc, code(pc), elf.machine == "riscv"
    )
    symbol = locate(elf, pc)
    caller = "" if elf.function_at(pc) else f", called from {locate(elf, lr & ~1)}"
    return Fault(
        kind=kind,
        address=address,
        pc=pc,
        symbol=symbol,
        message=f"{sentence}: pc {pc:#010x} in {symbol}{caller}",
    )


def locate(elf: Elf, address: int) -> str:
    """Returns ``function+offset``, or the bare address outside every function."""
    function = elf.function_at(address)
    if function is None:
        return f"{address:#010x}"
    offset = address - function.address
    return f"{function.name}+{offset:#x}" if offset else function.name


def _classify(cause: int, access: int, address: int, pc: int) -> tuple[str, int, str] | None:
    if cause == RUNAWAY:
        return "runaway", pc, "the firmware runs on without looking at its serial port"
    if cause == UNMAPPED_REGISTER:
        verb = "write" if access else "read"
        return f"unmapped-{verb}", address, f"{verb} of {address:#010x}, where no device is"
    if cause == STACK_OVERFLOW:
        return "stack-overflow", address, f"stack overflow: the stack pointer is {address:#010x}"
    if cause == RESET_REQUEST:
        return "reset", address, "the firmware resets the chip"
    if cause == FPU_DISABLED:
        return "fpu-disabled", address, "floating-point instruction before CPACR enables the unit"
    if cause == MEMORY:
        return _memory(access, address)
    return None


def _memory(access: int, address: int) -> tuple[str, int, str]:
    from unicorn import unicorn_const as uc

    if access in (uc.UC_MEM_FETCH_UNMAPPED, uc.UC_MEM_FETCH_PROT):
        return "bad-fetch", address, f"execution outside the flash, at {address:#010x}"
    if access == uc.UC_MEM_WRITE_PROT:
        return "write-to-flash", address, f"write to flash at {address:#010x}"
    verb = "write" if access == uc.UC_MEM_WRITE_UNMAPPED else "read"
    return f"unmapped-{verb}", address, f"{verb} of {address:#010x}, where no memory is"


def _instruction(error: int, pc: int, code: bytes, riscv: bool) -> tuple[str, int, str]:
    from unicorn import unicorn_const as uc

    if not code:
        return "bad-fetch", pc, f"execution outside the flash, at {pc:#010x}"
    halfword, word = int.from_bytes(code[:2], "little"), int.from_bytes(code, "little")
    if riscv:
        is_break = halfword == 0x9002 or word == 0x00100073  # C.EBREAK, EBREAK
        is_undefined = word != 0x00000073  # ECALL
    else:
        is_break = halfword >> 8 == 0xBE  # BKPT
        is_undefined = halfword >> 8 == 0xDE or error == uc.UC_ERR_INSN_INVALID
    if is_break:
        return "breakpoint", pc, "breakpoint instruction"
    if is_undefined and error in (uc.UC_ERR_INSN_INVALID, uc.UC_ERR_EXCEPTION):
        return "undefined-instruction", pc, f"undefined instruction {word:#010x}"
    return "exception", pc, f"CPU exception, such as SVC (emulator's error {error})"
