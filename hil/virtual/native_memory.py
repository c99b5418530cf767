"""A board's slow memories, as the native half of the virtual board takes them."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from edgebottle.boards import Board, Region
from edgebottle.build.elf import Elf
from edgebottle.memory_timing import MemoryPath
from hil.virtual.timing.addresses import Load, loads_of

MAX_TERMS, MAX_WORDS = 3, 32
"""``EB_MAX_TERMS`` and ``EB_MAX_WORDS`` of board.h."""


class CacheShape(ctypes.Structure):
    """``eb_cache_shape`` of board.h."""

    _fields_: ClassVar = [
        (name, ctypes.c_uint32) for name in ("line_bytes", "sets", "ways", "read_bytes")
    ]


class Wait(ctypes.Structure):
    """``eb_wait`` of board.h."""

    _fields_: ClassVar = [(name, ctypes.c_uint32) for name in ("first", "next")]


class Slow(ctypes.Structure):
    """``eb_slow`` of board.h."""

    _fields_: ClassVar = [("start", ctypes.c_uint32), ("size", ctypes.c_uint32), ("wait", Wait)]


class NativeMemory(ctypes.Structure):
    """``eb_memory`` of board.h."""

    _fields_: ClassVar = [
        ("fetch", CacheShape),
        ("data", CacheShape),
        ("unified", ctypes.c_uint32),
        ("fetch_wait", Wait),
        ("slow_count", ctypes.c_uint32),
        ("slow", Slow * 4),
        ("other_memory", ctypes.c_uint32),
    ]


class NativeLoad(ctypes.Structure):
    """``eb_load`` of board.h."""

    _fields_: ClassVar = [
        *((name, ctypes.c_uint32) for name in ("constant", "size", "is_pipelined", "terms")),
        ("registers", ctypes.c_uint32 * MAX_TERMS),
        ("factors", ctypes.c_uint32 * MAX_TERMS),
    ]


Describe = ctypes.CFUNCTYPE(
    ctypes.c_uint32,
    ctypes.c_uint32,
    ctypes.c_uint32,
    ctypes.POINTER(NativeLoad),
    ctypes.c_uint32,
    ctypes.POINTER(ctypes.c_uint32),
)
"""``eb_describe`` of board.h."""


def describe_with(elf: Elf) -> Any:
    """Returns the callback that tells the loads of blocks of ``elf``."""

    def word(address: int) -> int | None:
        data = elf.read(address, 4)
        return int.from_bytes(data, "little") if len(data) == 4 else None

    def describe(address: int, size: int, native: Any, capacity: int, words: Any) -> int:
        if elf.machine != "arm":
            return 0
        found = loads_of(elf.read(address, size), address, word)
        entries = [Load(place, 4) for place in found.words]
        if len(entries) > MAX_WORDS or any(len(e.address.terms) > MAX_TERMS for e in entries):
            return 0
        words[0] = len(entries)
        entries += _followed(found.loads)
        for entry, load in zip(native[:capacity], entries, strict=False):
            entry.constant, entry.size = load.address.constant & 0xFFFFFFFF, load.size
            entry.is_pipelined, entry.terms = int(load.is_pipelined), len(load.address.terms)
            for index, (register, factor) in enumerate(load.address.terms):
                entry.registers[index], entry.factors[index] = register, factor & 0xFFFFFFFF
        return min(capacity, len(entries))

    return Describe(describe)


def _followed(loads: Sequence[Load]) -> Iterator[Load]:
    """Those whose sum is not too long; behind another one none is pipelined."""
    is_followed = False
    for load in loads:
        was_followed, is_followed = is_followed, len(load.address.terms) <= MAX_TERMS
        if is_followed:
            yield replace(load, is_pipelined=load.is_pipelined and was_followed)


def native_memory(board: Board) -> NativeMemory:
    """Returns the memories of a board with a ``timing``."""
    timing = board.timing
    assert timing is not None
    cycles = board.processor.cycles
    slow = [(board.region("flash"), timing.data)]
    if timing.ram is not None:
        slow.append((board.region("ram"), timing.ram))
    return NativeMemory(
        fetch=_shape(timing.fetch),
        data=_shape(timing.data),
        unified=int(timing.data.line_bytes == 0),
        fetch_wait=_wait(timing.fetch),
        slow_count=len(slow),
        slow=(Slow * 4)(*(_slow(region, path) for region, path in slow)),
        other_memory=int(cycles is not None and cycles.pipelined_loads),
    )


def _shape(path: MemoryPath) -> CacheShape:
    return CacheShape(path.line_bytes, path.sets, path.ways, path.read_bytes)


def _wait(path: MemoryPath) -> Wait:
    return Wait(path.wait, path.next)


def _slow(region: Region, path: MemoryPath) -> Slow:
    return Slow(region.start, region.size, _wait(path))
