"""Where the loads of a Thumb block read, as sums over the registers at the block's start.

The virtual board asks for it once per block, and follows the loads through the caches with the
registers of each execution, and with the words that the block itself loads pointers from. What is
no sum (computed with a multiplication, say) is not followed: such loads count as never waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgebottle.cycle_costs import Kind
from hil.virtual.timing import thumb
from hil.virtual.timing.instructions import FP, LOADS, Instruction

_PC, _SP = 15, 13


@dataclass(frozen=True)
class Sum:
    """Registers times factors, plus a constant.

    Attributes:
        terms: Registers at the start of the block, each with its factor.
        constant: What is added.
    """

    terms: tuple[tuple[int, int], ...]
    constant: int

    def plus(self, other: Sum | int) -> Sum:
        """Returns the sum of both."""
        if isinstance(other, int):
            return Sum(self.terms, self.constant + other)
        factors = dict(self.terms)
        for register, factor in other.terms:
            factors[register] = factors.get(register, 0) + factor
        terms = tuple((register, factor) for register, factor in factors.items() if factor)
        return Sum(terms, self.constant + other.constant)

    def times(self, factor: int) -> Sum:
        """Returns a multiple."""
        return Sum(tuple((r, f * factor) for r, f in self.terms), self.constant * factor)


WORD = 16
"""Term ``WORD + n`` of a sum is the value of the block's word number n."""


@dataclass(frozen=True)
class Load:
    """A load of a block, or a store that is pipelined behind one.

    Attributes:
        address: Where it reads or writes.
        size: Bytes of several words; 1 for a single load, which is aligned; 0 for a store.
        is_pipelined: Right behind the load before it in ``Loads.loads``, with which it overlaps if
            both are in the same memory.
    """

    address: Sum
    size: int
    is_pipelined: bool = False


@dataclass(frozen=True)
class Loads:
    """The loads of a block.

    Attributes:
        loads: Those whose address is a sum.
        words: Where the words lie that a sum has as a term; taken as they are when the block
            starts.
    """

    loads: tuple[Load, ...]
    words: tuple[Sum, ...]


_Of = Callable[[int], Sum | None]


def loads_of(code: bytes, start: int, word: Callable[[int], int | None]) -> Loads:
    """Returns the loads of a block whose address is a sum.

    Args:
        code: The block.
        start: Its address.
        word: Returns the word that was flashed at an address, for loads of literals.
    """
    values: dict[int, Sum | None] = {r: Sum(((r, 1),), 0) for r in range(_PC)}
    found: list[Load] = []
    words: list[Sum] = []
    offset = 0
    before, is_known = None, False
    while offset < len(code):
        first = int.from_bytes(code[offset : offset + 2], "little")
        second = int.from_bytes(code[offset + 2 : offset + 4], "little")
        instruction = thumb.decode(first, second)
        values[_PC] = Sum((), (start + offset + 4) & ~3)
        base, change, address = _memory(first, second, instruction, values.get)
        is_pipelined = is_known and before is not None and instruction.can_follow(before)
        is_load = instruction.kind in (*LOADS, Kind.LOADED, Kind.TABLE)
        if address is not None and (is_load or is_pipelined):
            several = instruction.kind is Kind.LOAD_MULTIPLE
            size = 4 * instruction.transfers if several else int(is_load)
            found.append(Load(address, size, is_pipelined))
        before, is_known = instruction, address is not None
        result = _result(first, second, values.get)
        loaded: dict[int, Sum] = {}
        if address is not None and instruction.kind in LOADS and not instruction.narrow:
            literal = word(address.constant) if instruction.literal else None
            for index, register in enumerate(instruction.writes[: instruction.transfers]):
                loaded[register] = Sum(((WORD + len(words), 1),), 0)
                words.append(address.plus(4 * index))
                if literal is not None:
                    loaded[register] = Sum((), literal)
        updated = values.get(base) if instruction.writeback else None
        for register in instruction.writes:
            if register < FP:
                values[register] = loaded.get(register, result)
        if updated is not None:
            values[base] = updated.plus(change)
        offset += instruction.size
    return _without_unused(found, words)


def _without_unused(loads: list[Load], words: list[Sum]) -> Loads:
    """Leaves out the words that no address needs."""
    needed: set[int] = set()
    sums = [load.address for load in loads]
    while sums:
        new = {r - WORD for r, _ in sums.pop().terms if r >= WORD} - needed
        needed |= new
        sums += [words[number] for number in new]
    place = {number: index for index, number in enumerate(sorted(needed))}

    def moved(value: Sum) -> Sum:
        return Sum(
            tuple((r if r < WORD else WORD + place[r - WORD], f) for r, f in value.terms),
            value.constant,
        )

    return Loads(
        tuple(replace(load, address=moved(load.address)) for load in loads),
        tuple(moved(words[number]) for number in sorted(needed)),
    )


def _plus(left: Sum | None, right: Sum | int | None, factor: int = 1) -> Sum | None:
    if left is None or right is None:
        return None
    return left.plus(right * factor if isinstance(right, int) else right.times(factor))


def _result(first: int, second: int, of: _Of) -> Sum | None:
    """What a data-processing instruction computes, None where it is no sum."""
    return _narrow_result(first, of) if first >> 11 < 0x1D else _wide_result(first, second, of)


def _narrow_result(h: int, of: _Of) -> Sum | None:
    top, middle, high, wide, constant = h >> 11, h >> 3 & 7, h >> 6 & 7, h >> 8 & 7, h & 0xFF
    if top == 0:
        moved = of(middle)
        return None if moved is None else moved.times(1 << (h >> 6 & 31))
    if top == 3:
        return _plus(of(middle), high if h & 0x400 else of(high), -1 if h & 0x200 else 1)
    if top == 4:
        return Sum((), constant)
    if top in (6, 7):
        return _plus(of(wide), constant, 1 if top == 6 else -1)
    if top in (20, 21):
        return _plus(of(_PC if top == 20 else _SP), 4 * constant)
    if h & 0xFF00 == 0xB000:
        return _plus(of(_SP), 4 * (h & 0x7F), -1 if h & 0x80 else 1)
    if h & 0xFC00 == 0x4400 and h & 0x100 == 0:  # ADD and MOV of all registers
        operand = of(h >> 3 & 15)
        return operand if h & 0x200 else _plus(of(h & 7 | h >> 4 & 8), operand)
    return None


def _wide_result(first: int, second: int, of: _Of) -> Sum | None:
    source = first & 15
    if first & 0xFE00 == 0xEA00:
        amount = second >> 10 & 0x1C | second >> 6 & 3
        operand = of(second & 15)
        if second & 0x30 or operand is None:
            return None
        return _add(first >> 5 & 15, source, operand.times(1 << amount), of)
    if first & 0xFA00 == 0xF000 and not second & 0x8000:
        return _add(first >> 5 & 15, source, _expand(first, second), of)
    if first & 0xFA00 == 0xF200 and not second & 0x8000:
        constant = (first & 0x400) << 1 | second >> 4 & 0x700 | second & 0xFF
        operation = first >> 4 & 31
        if operation == 4:  # MOVW
            return Sum((), source << 12 | constant)
        if operation == 12:  # MOVT
            low = of(second >> 8 & 15)
            top = (source << 12 | constant) << 16
            return None if low is None or low.terms else Sum((), low.constant & 0xFFFF | top)
        if operation in (0, 10):
            return _plus(of(source), constant, -1 if operation else 1)
    return None


def _add(operation: int, source: int, operand: Sum | int, of: _Of) -> Sum | None:
    if operation == 2 and source == _PC:  # MOV
        return Sum((), operand) if isinstance(operand, int) else operand
    if operation in (8, 13):
        return _plus(of(source), operand, 1 if operation == 8 else -1)
    return None


def _expand(first: int, second: int) -> int:
    """A modified immediate constant (DDI 0403E, A5.3.2)."""
    low, pattern = second & 0xFF, (first & 0x400) >> 7 | second >> 12 & 7
    if pattern < 4:
        return low * (1, 0x00010001, 0x01000100, 0x01010101)[pattern]
    rotation = pattern << 1 | low >> 7
    value = low | 0x80
    return (value >> rotation | value << (32 - rotation)) & 0xFFFFFFFF


def _memory(
    first: int, second: int, instruction: Instruction, of: _Of
) -> tuple[int, int, Sum | None]:
    """Of a load or store: its base register, how that changes, and where the access begins."""
    if first >> 11 < 0x1D:
        return _narrow_memory(first, instruction, of)
    base, up, words = first & 15, bool(first & 0x80), instruction.transfers
    sign = 1 if up else -1
    if first & 0xFE40 == 0xE800 or (first & 0xFE00 == 0xEC00 and first & 0x120 != 0x100):
        below = bool(first & 0x100)  # decrement before, increment after
        change = -4 * words if below else 4 * words
        return base, change, _plus(of(base), change if below else 0)
    if instruction.kind is Kind.TABLE:
        half = second >> 4 & 1
        return base, 0, _plus(of(base), of(second & 15), 1 << half)
    if first & 0xFE00 in (0xE800, 0xEC00):  # two words; floating point
        change = 4 * sign * (second & 0xFF)
        before = bool(first & 0x100)
        return base, change, _plus(of(base), change if before else 0)
    if first & 0xFE00 != 0xF800:
        return base, 0, None
    if base == _PC:
        return base, 0, _plus(of(base), second & 0xFFF, sign)
    if up:
        return base, 0, _plus(of(base), second & 0xFFF)
    if not second & 0x800:
        return base, 0, _plus(of(base), of(second & 15), 1 << (second >> 4 & 3))
    change = (second & 0xFF) * (1 if second & 0x200 else -1)
    return base, change, _plus(of(base), change if second & 0x400 else 0)


def _narrow_memory(h: int, instruction: Instruction, of: _Of) -> tuple[int, int, Sum | None]:
    top, base, words = h >> 11, h >> 3 & 7, instruction.transfers
    if top == 9:
        return _PC, 0, _plus(of(_PC), 4 * (h & 0xFF))
    if top in (10, 11):
        return base, 0, _plus(of(base), of(h >> 6 & 7))
    if 12 <= top < 18:
        return base, 0, _plus(of(base), instruction.offset)
    if top in (18, 19):
        return _SP, 0, _plus(of(_SP), 4 * (h & 0xFF))
    if h & 0xF600 == 0xB400:
        change = 4 * words if h & 0x800 else -4 * words
        return _SP, change, _plus(of(_SP), 0 if h & 0x800 else change)
    if top in (24, 25):
        return h >> 8 & 7, 4 * words, of(h >> 8 & 7)
    return 0, 0, None
