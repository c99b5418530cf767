"""Decodes Thumb instructions of 16 and 32 bits (Armv7-M reference manual DDI 0403E, chapter A5).

Only as far as the cycle model needs: cost class and registers.
"""

from edgebottle.cycle_costs import Kind
from hil.virtual.timing.instructions import FLAGS, FP, Instruction

_PC = 15


def decode(first: int, second: int) -> Instruction:
    """Decodes one instruction.

    Args:
        first: Its first halfword.
        second: The halfword after it.
    """
    if first >> 11 < 0x1D:
        return _narrow(first)
    if first & 0xEC00 == 0xEC00:
        return _coprocessor(first, second)
    group = first >> 11 & 3
    if group == 1:
        return _memory_or_shifted(first, second)
    if group == 2:
        return _branch(first, second) if second & 0x8000 else _immediate(first, second)
    if first & 0xFE00 == 0xF800:
        return _single(first, second)
    return _register(first, second) if first & 0xFF00 == 0xFA00 else _multiply(first, second)


def _signed(value: int, bits: int) -> int:
    return value - (value >> (bits - 1) << bits)


def _registers(mask: int) -> tuple[int, ...]:
    return tuple(number for number in range(16) if mask >> number & 1)


def _named(*numbers: int) -> tuple[int, ...]:
    """Leaves out the program counter, which stands for "none" in most 32-bit encodings."""
    return tuple(number for number in numbers if number != _PC)


def _alu(
    size: int,
    reads: tuple[int, ...],
    *writes: int,
    kind: Kind = Kind.ALU,
    simple: bool = False,
    shifted: tuple[int, ...] = (),
) -> Instruction:
    if _PC in writes:
        return Instruction(Kind.INDIRECT, size, reads)
    return Instruction(kind, size, reads, writes, simple=simple, shifted=shifted)


def _access(
    size: int,
    load: bool,
    register: int,
    base: int,
    index: int | None = None,
    writeback: bool = False,
    offset: int | None = None,
    narrow: bool = False,
) -> Instruction:
    literal = base == _PC
    address = tuple(r for r in (base, index) if r is not None and r != _PC)
    base_written = (base,) if writeback else ()
    if load:
        kind = Kind.LOADED if register == _PC else Kind.LOAD
        reads, writes = address, (register, *base_written)
    else:
        kind, reads, writes = Kind.STORE, (*address, register), base_written
    return Instruction(
        kind,
        size,
        reads,
        writes,
        address,
        transfers=1,
        writeback=writeback,
        indexed=index is not None,
        literal=literal,
        offset=None if index is not None or literal else offset,
        narrow=load and narrow,
    )


def _multiple(
    size: int, load: bool, base: int, registers: tuple[int, ...], writeback: bool
) -> Instruction:
    base_written = (base,) if writeback else ()
    reads: tuple[int, ...]
    if load:
        kind = Kind.LOADED if _PC in registers else Kind.LOAD_MULTIPLE
        reads, writes = (base,), (*registers, *base_written)
    else:
        kind, reads, writes = Kind.STORE_MULTIPLE, (base, *registers), base_written
    count = len(registers)
    return Instruction(kind, size, reads, writes, (base,), transfers=count, writeback=writeback)


def _narrow(h: int) -> Instruction:
    low, middle, high, wide = h & 7, h >> 3 & 7, h >> 6 & 7, h >> 8 & 7
    top = h >> 11
    if top < 3:
        kind = Kind.SHIFT if h >> 6 else Kind.ALU  # MOVS is LSL by nothing
        return _alu(2, (middle,), low, FLAGS, kind=kind, simple=kind is Kind.ALU)
    if top == 3:
        return _alu(2, (middle,) if h & 0x400 else (middle, high), low, FLAGS, simple=True)
    if top < 8:
        reads = () if top == 4 else (wide,)
        return _alu(2, reads, FLAGS) if top == 5 else _alu(2, reads, wide, FLAGS, simple=True)
    if top == 8:
        return _narrow_high(h) if h & 0x400 else _narrow_register(h)
    if top == 9:
        return _access(2, True, wide, _PC)
    if top < 12:
        kind_of = h >> 9 & 7
        return _access(2, kind_of >= 3, low, middle, high, narrow=kind_of != 4)
    if top < 18:
        scale = 4 if top < 14 else 1 if top < 16 else 2
        offset = scale * (h >> 6 & 31)
        return _access(2, bool(h & 0x800), low, middle, offset=offset, narrow=scale < 4)
    if top < 20:
        return _access(2, bool(h & 0x800), wide, 13, offset=4 * (h & 0xFF))
    if top < 22:
        return _alu(2, (13,) if top == 21 else (), wide, simple=True)
    if top < 24:
        return _narrow_misc(h)
    if top < 26:
        load, registers = bool(h & 0x800), _registers(h & 0xFF)
        return _multiple(2, load, wide, registers, not load or wide not in registers)
    if top == 28:
        return Instruction(Kind.BRANCH, 2, target=4 + 2 * _signed(h & 0x7FF, 11))
    if h >> 8 & 15 >= 14:
        return Instruction(Kind.SYSTEM, 2)
    return Instruction(Kind.BRANCH, 2, (FLAGS,), target=4 + 2 * _signed(h & 0xFF, 8))


def _narrow_register(h: int) -> Instruction:
    operation, destination, operand = h >> 6 & 15, h & 7, h >> 3 & 7
    if operation == 13:
        return Instruction(Kind.MULTIPLY, 2, (destination, operand), (destination, FLAGS))
    reads = (operand,) if operation in (9, 15) else (destination, operand)
    if operation in (5, 6):  # ADC, SBC
        reads = (*reads, FLAGS)
    writes = (FLAGS,) if operation in (8, 10, 11) else (destination, FLAGS)
    return _alu(2, reads, *writes, kind=Kind.SHIFT if operation in (2, 3, 4, 7) else Kind.ALU)


def _narrow_high(h: int) -> Instruction:
    destination, operand, operation = h & 7 | h >> 4 & 8, h >> 3 & 15, h >> 8 & 3
    if operation == 3:
        return Instruction(Kind.INDIRECT, 2, (operand,), (14,) if h & 0x80 else ())
    if operation == 1:
        return _alu(2, (destination, operand), FLAGS)
    reads = (operand,) if operation == 2 else (destination, operand)
    return _alu(2, reads, destination, simple=True)


def _narrow_misc(h: int) -> Instruction:
    if h & 0xFF00 == 0xB000:
        return _alu(2, (13,), 13, simple=True)
    if h & 0xF500 == 0xB100:
        return Instruction(Kind.BRANCH, 2, (h & 7,), target=4 + (h >> 3 & 0x1F | h >> 4 & 0x20) * 2)
    if h & 0xF600 == 0xB400:
        load = bool(h & 0x800)
        last = (_PC if load else 14,) if h & 0x100 else ()
        return _multiple(2, load, 13, (*_registers(h & 0xFF), *last), True)
    if h & 0xFF00 in (0xB200, 0xBA00):
        return _alu(2, (h >> 3 & 7,), h & 7, kind=Kind.EXTEND, shifted=(h >> 3 & 7,))
    if h & 0xFF00 == 0xBF00:
        return Instruction(Kind.IT, 2, (FLAGS,)) if h & 15 else Instruction(Kind.NOP, 2)
    return Instruction(Kind.SYSTEM, 2)


def _memory_or_shifted(first: int, second: int) -> Instruction:
    base = first & 15
    if first & 0x0200:  # data processing, shifted register
        operation, operand = first >> 5 & 15, second & 15
        kind = Kind.ALU
        shifted: tuple[int, ...] = ()
        if operation == 6:  # PKHBT, and PKHTB, which takes both of them early
            kind = Kind.EXTEND
            shifted = (operand, base) if second & 0x20 else (operand,)
        elif second & 0x70F0:
            kind = Kind.SHIFT if operation == 2 and base == _PC else Kind.SHIFTED
            shifted = (operand,) if kind is Kind.SHIFTED else ()
        return _three(first, second, (operand,), kind, shifted, simple=kind is Kind.ALU)
    load, writeback = bool(first & 0x10), bool(first & 0x20)
    if not first & 0x40:
        return _multiple(4, load, base, _registers(second), writeback)
    if first & 0x0120:  # two words
        return _multiple(4, load, base, (second >> 12, second >> 8 & 15), writeback)
    if first & 0xFFF0 == 0xE8D0 and second & 0xFFE0 == 0xF000:
        table = _named(base, second & 15)
        return Instruction(Kind.TABLE, 4, table, (), table, transfers=1)
    return _access(4, load, second >> 12, base)  # exclusive


def _three(
    first: int,
    second: int,
    operands: tuple[int, ...],
    kind: Kind = Kind.ALU,
    shifted: tuple[int, ...] = (),
    *,
    simple: bool,
) -> Instruction:
    """The operations that have a register, an operand, and a result or only flags."""
    operation, source, destination = first >> 5 & 15, first & 15, second >> 8 & 15
    carry = (FLAGS,) if operation in (10, 11) else ()
    writes = (*_named(destination), *((FLAGS,) if first & 0x10 else ()))
    is_move = operation == 2 and source == _PC
    simple = simple and destination != _PC and (is_move or operation in (8, 13))
    reads = (*_named(source), *operands, *carry)
    return _alu(4, reads, *writes, kind=kind, simple=simple, shifted=shifted)


def _immediate(first: int, second: int) -> Instruction:
    if not first & 0x0200:
        is_rotated = bool(first & 0x400 or second & 0x4000)  # else a pattern of bytes
        kind = Kind.SHIFTED if is_rotated else Kind.ALU
        return _three(first, second, (), kind, simple=not is_rotated)
    operation, source, destination = first >> 4 & 31, first & 15, second >> 8 & 15
    if operation in (4, 12):  # MOVW, MOVT
        before = (destination,) if operation == 12 else ()
        return _alu(4, before, destination, simple=operation == 4)
    if operation < 16:  # ADDW, SUBW
        return _alu(4, _named(source), destination, simple=True)
    # Bit fields; the others saturate.
    kind = Kind.EXTEND if operation in (20, 22, 28) else Kind.SATURATE
    reads = (*_named(source), destination) if operation == 22 else _named(source)
    return _alu(4, reads, destination, kind=kind, shifted=_named(source))


def _branch(first: int, second: int) -> Instruction:
    how = second >> 12 & 5
    if how & 4:
        return Instruction(Kind.CALL, 4, writes=(14,))
    sign, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
    if how == 1:
        i1, i2 = 1 ^ j1 ^ sign, 1 ^ j2 ^ sign
        offset = sign << 23 | i1 << 22 | i2 << 21 | (first & 0x3FF) << 11 | second & 0x7FF
        return Instruction(Kind.BRANCH, 4, target=4 + 2 * _signed(offset, 24))
    if first >> 7 & 7 == 7:
        hint = first & 0xFFF0 == 0xF3A0
        return Instruction(Kind.NOP if hint else Kind.SYSTEM, 4)
    offset = sign << 19 | j2 << 18 | j1 << 17 | (first & 0x3F) << 11 | second & 0x7FF
    return Instruction(Kind.BRANCH, 4, (FLAGS,), target=4 + 2 * _signed(offset, 20))


def _single(first: int, second: int) -> Instruction:
    base, register, load = first & 15, second >> 12, bool(first & 0x10)
    if load and register == _PC and first & 0x60 != 0x40:
        return Instruction(Kind.NOP, 4, _named(base))  # a preload hint
    narrow = first & 0x60 != 0x40
    if base == _PC or first & 0x80:
        return _access(4, load, register, base, offset=second & 0xFFF, narrow=narrow)
    if not second & 0x800:
        return _access(4, load, register, base, second & 15, narrow=narrow)
    before, up = bool(second & 0x400), bool(second & 0x200)
    offset = (second & 0xFF if up else -(second & 0xFF)) if before else 0
    writeback = bool(second & 0x100)
    return _access(4, load, register, base, None, writeback, offset, narrow)


def _register(first: int, second: int) -> Instruction:
    """Shifts by a register, extensions, parallel additions, REV, CLZ, SEL."""
    flags = (FLAGS,) if first & 0x10 and not first & 0x80 and not second & 0x80 else ()
    operand, group = second & 15, second >> 4 & 15
    reads, kind = (*_named(first & 15), operand), Kind.SHIFT
    shifted: tuple[int, ...] = ()
    if first & 0x80:
        # Parts in parallel (UQADD8 saturates); QADD; REV and its like; SEL; CLZ.
        is_saturating = group & 3 == 1 if group < 8 else first & 0x70 == 0
        is_reversing = group >= 8 and first & 0x70 == 0x10
        kind = Kind.SATURATE if is_saturating else Kind.EXTEND
        shifted = (operand,) if is_reversing else ()
    elif second & 0x80:
        kind, shifted = Kind.EXTEND, (operand,)
    return _alu(4, reads, second >> 8 & 15, *flags, kind=kind, shifted=shifted)


def _multiply(first: int, second: int) -> Instruction:
    factors = (first & 15, second & 15)
    low, high, operation = second >> 12, second >> 8 & 15, first >> 4 & 7
    if not first & 0x80:
        added = _named(low)
        return Instruction(Kind.MULTIPLY, 4, (*factors, *added), (high,), accumulator=added)
    if second & 0xF0 == 0xF0:
        return Instruction(Kind.DIVIDE, 4, factors, (high,))
    added = (low, high) if operation >= 4 else ()
    return Instruction(Kind.MULTIPLY_LONG, 4, (*factors, *added), (low, high), accumulator=added)


def _float(register: int, extra: int, double: bool) -> tuple[int, ...]:
    """S registers of a 4-bit field and its fifth bit."""
    if double:
        number = 2 * (extra << 4 | register)
        return FP + number, FP + number + 1
    return (FP + (register << 1 | extra),)


def _coprocessor(first: int, second: int) -> Instruction:
    double = bool(second & 0x100)
    d = _float(second >> 12, first >> 6 & 1, double)
    if first & 0xFE00 == 0xEC00:
        return _float_memory(first, second, d)
    m, n = _float(second & 15, second >> 5 & 1, double), _float(first & 15, second >> 7 & 1, double)
    if first & 0xFF00 == 0xEE00 and second & 0x10:
        core = second >> 12
        if first & 0xFFE0 == 0xEEE0:  # FPSCR, which is no register here
            return Instruction(Kind.FP_READ, 4, (), (FLAGS,) if core == _PC else (core,))
        if first & 0x10:
            return Instruction(Kind.FP_READ, 4, n, (core,))
        return Instruction(Kind.FP_MOVE, 4, (core,), n)
    operation = first >> 4 & 11
    if first & 0xFF00 == 0xFE00:
        return Instruction(Kind.FP_ALU, 4, (*n, *m), d)
    if operation in (0, 1, 9, 10):
        return Instruction(Kind.FP_MAC, 4, (*n, *m, *d), d, accumulator=d)
    if operation == 8:
        return Instruction(Kind.FP_DIVIDE, 4, (*n, *m), d)
    if operation < 8:
        return Instruction(Kind.FP_ALU, 4, (*n, *m), d)
    root = first & 15 == 1 and second & 0xC0 == 0xC0
    compare = first & 14 == 4
    reads = (*d, *m) if compare else m
    kind = Kind.FP_DIVIDE if root else Kind.FP_ALU
    if not second & 0x40:  # VMOV of a constant
        return Instruction(Kind.FP_MOVE, 4, (), d)
    if first & 15 == 0 and not second & 0x80:  # VMOV, unlike VABS
        kind = Kind.FP_MOVE
    return Instruction(kind, 4, reads, () if compare else d)


def _float_memory(first: int, second: int, d: tuple[int, ...]) -> Instruction:
    base, load = first & 15, bool(first & 0x10)
    if first & 0xFFE0 == 0xEC40:  # between two core registers and a double one
        core = (second >> 12, base)
        m = _float(second & 15, second >> 5 & 1, True)
        reads, writes = (m, core) if load else (core, m)
        return Instruction(Kind.FP_MOVE_TWO, 4, reads, writes)
    single = first & 0x0120 == 0x0100
    words = len(d) if single else second & 0xFF
    registers = d if single else tuple(range(d[0], d[0] + words))
    writeback = not single and bool(first & 0x20)
    base_written = (base,) if writeback else ()
    address = _named(base)
    if load:
        kind = Kind.LOAD if words == 1 else Kind.LOAD_MULTIPLE
        reads, writes = address, (*registers, *base_written)
    else:
        kind = Kind.STORE if words == 1 else Kind.STORE_MULTIPLE
        reads, writes = (*address, *registers), base_written
    return Instruction(
        kind, 4, reads, writes, address, transfers=words, writeback=writeback, literal=base == _PC
    )
