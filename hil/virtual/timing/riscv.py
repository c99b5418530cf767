"""Decodes RV32IMC instructions (RISC-V unprivileged specification 20191213, chapters 2, 7, 16).

Only as far as the cycle model needs: cost class and registers. Register 0 is never named: it is
always ready.
"""

from edgebottle.cycle_costs import Kind
from hil.virtual.timing.instructions import Instruction


def decode(first: int, second: int) -> Instruction:
    """Decodes one instruction.

    Args:
        first: Its first halfword.
        second: The halfword after it.
    """
    return _wide(first | second << 16) if first & 3 == 3 else _compressed(first)


def _signed(value: int, bits: int) -> int:
    return value - (value >> (bits - 1) << bits)


def _some(*registers: int) -> tuple[int, ...]:
    return tuple(register for register in registers if register)


def _load(size: int, destination: int, base: int, narrow: bool = False) -> Instruction:
    address = _some(base)
    return Instruction(
        Kind.LOAD, size, address, _some(destination), address, transfers=1, narrow=narrow
    )


def _store(size: int, source: int, base: int) -> Instruction:
    return Instruction(Kind.STORE, size, _some(base, source), (), _some(base), transfers=1)


def _jump(size: int, base: int, link: int) -> Instruction:
    return Instruction(Kind.INDIRECT, size, _some(base), _some(link))


def _wide(word: int) -> Instruction:
    destination, left, right = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
    function = word >> 12 & 7
    opcode = word >> 2 & 31
    if opcode == 0:
        return _load(4, destination, left, narrow=function != 2)
    if opcode == 8:
        return _store(4, right, left)
    if opcode in (5, 13):  # AUIPC, LUI
        return Instruction(Kind.ALU, 4, (), _some(destination))
    if opcode == 4:
        kind = Kind.SHIFT if function in (1, 5) else Kind.ALU
        return Instruction(kind, 4, _some(left), _some(destination))
    if opcode == 12:
        kind = Kind.SHIFT if function in (1, 5) else Kind.ALU
        if word >> 25 == 1:
            kind = Kind.DIVIDE if function >= 4 else Kind.MULTIPLY
        return Instruction(kind, 4, _some(left, right), _some(destination))
    if opcode == 24:
        offset = word >> 31 << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 63) << 5
        offset |= (word >> 8 & 15) << 1
        reads = _some(left, right) or (left,)
        return Instruction(Kind.BRANCH, 4, reads, target=_signed(offset, 13))
    if opcode == 27:
        offset = word >> 31 << 20 | (word >> 12 & 255) << 12 | (word >> 20 & 1) << 11
        offset |= (word >> 21 & 1023) << 1
        kind = Kind.CALL if destination else Kind.BRANCH
        return Instruction(kind, 4, (), _some(destination), target=_signed(offset, 21))
    if opcode == 25:
        return _jump(4, left, destination)
    return Instruction(Kind.SYSTEM, 4, _some(left), _some(destination))


def _compressed(h: int) -> Instruction:
    function, full, right = h >> 13, h >> 7 & 31, h >> 2 & 31
    short_left, short_right = (h >> 7 & 7) + 8, (h >> 2 & 7) + 8
    quadrant = h & 3
    if quadrant == 0:
        if function == 0:
            return Instruction(Kind.ALU, 2, (2,), (short_right,))
        if function < 4:
            return _load(2, short_right, short_left)
        return _store(2, short_right, short_left)
    if quadrant == 1:
        return _compressed_middle(h)
    if function == 0:
        return Instruction(Kind.SHIFT, 2, (full,), (full,))
    if function < 4:
        return _load(2, full, 2)
    if function > 4:
        return _store(2, right, 2)
    if right:
        reads = _some(full, right) if h & 0x1000 else _some(right)
        return Instruction(Kind.ALU, 2, reads, _some(full))
    if full:
        return _jump(2, full, 1 if h & 0x1000 else 0)
    return Instruction(Kind.SYSTEM, 2)


def _compressed_middle(h: int) -> Instruction:
    function, full = h >> 13, h >> 7 & 31
    left, right = (h >> 7 & 7) + 8, (h >> 2 & 7) + 8
    if function == 0:
        return Instruction(Kind.ALU, 2, _some(full), _some(full))
    if function in (1, 5):
        offset = (h >> 12 & 1) << 11 | (h >> 8 & 1) << 10 | (h >> 9 & 3) << 8 | (h >> 6 & 1) << 7
        offset |= (h >> 7 & 1) << 6 | (h >> 2 & 1) << 5 | (h >> 11 & 1) << 4 | (h >> 3 & 7) << 1
        call = function == 1
        kind = Kind.CALL if call else Kind.BRANCH
        return Instruction(kind, 2, (), (1,) if call else (), target=_signed(offset, 12))
    if function in (2, 3):
        return Instruction(Kind.ALU, 2, (2,) if full == 2 and function == 3 else (), _some(full))
    if function == 4:
        shift = h >> 10 & 3
        reads = (left, right) if shift == 3 else (left,)
        return Instruction(Kind.SHIFT if shift < 2 else Kind.ALU, 2, reads, (left,))
    offset = (h >> 12 & 1) << 8 | (h >> 5 & 3) << 6 | (h >> 2 & 1) << 5 | (h >> 10 & 3) << 3
    offset |= (h >> 3 & 3) << 1
    return Instruction(Kind.BRANCH, 2, (left,), target=_signed(offset, 9))
