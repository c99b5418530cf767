"""Exact counts of what an emulator executes, by the native half of the virtual board."""

import ctypes
import re
import time
from collections import Counter
from typing import Any

from edgebottle.build.elf import Elf
from edgebottle.errors import BoardError
from hil.virtual.native import Emulator, NativeBlock, library
from hil.virtual.state import BlockCount, Counts, blocks_since

STEP = re.compile(r"^step_(\d+)(?:_|$)")

_READINGS = 20
"""Of counts, until two agree: after an answer the firmware looks for bytes some times more."""
_READING_SECONDS = 0.001


def new_native(uc: Any, numbers: dict[str, int], **fields: Any) -> int:
    """An ``eb_board`` for an emulator; ``eb_board_free`` ends it.

    Args:
        uc: Unicorn's.
        numbers: Of the registers ``pc``, ``sp`` and ``lr``.
        fields: Others of ``eb_emulator``.
    """
    from unicorn import unicorn_const as uc_const
    from unicorn.unicorn_py3.unicorn import uclib

    def pointer(name: str) -> int | None:
        return ctypes.cast(getattr(uclib, name), ctypes.c_void_p).value

    emulator = Emulator(
        hook_add=pointer("uc_hook_add"),
        mmio_map=pointer("uc_mmio_map"),
        emu_start=pointer("uc_emu_start"),
        emu_stop=pointer("uc_emu_stop"),
        reg_read=pointer("uc_reg_read"),
        mem_read=pointer("uc_mem_read"),
        uc=uc._uch.value,
        hook_block=uc_const.UC_HOOK_BLOCK,
        hook_invalid=uc_const.UC_HOOK_MEM_INVALID,
        **{f"reg_{name}": number for name, number in numbers.items()},
        **fields,
    )
    native = library().eb_board_new(ctypes.byref(emulator))
    if native is None:
        raise BoardError("no memory for a virtual board")
    return int(native)


class NativeCounter:
    """Counts the instructions of code that an emulator runs, by function and by step."""

    def __init__(self, native: int, elf: Elf, start: int, code: bytes) -> None:
        """Tells the native half where the code and its steps are.

        Args:
            native: Of ``new_native``.
            elf: The program.
            start: Address of the code, below 4 GiB.
            code: All of it.
        """
        self._native, self._elf, self._library = native, elf, library()
        self._baseline: Counts | None = None
        self._earlier_blocks: tuple[BlockCount, ...] = ()
        if self._library.eb_board_set_code(native, start, len(code), code) != 0:
            raise BoardError("no memory for a virtual board")
        numbers = []
        for function in elf.functions:
            match = STEP.match(function.name)
            if match is not None and start <= function.address < start + len(code):
                self._library.eb_board_add_step(native, function.address)
                numbers.append(int(match[1]))
        self._step_of = tuple(numbers)

    def counts(self) -> Counts:
        """Instructions executed since the start or the last ``reset``."""
        total = self._total()
        return total if self._baseline is None else total.since(self._baseline)

    def blocks(self) -> tuple[BlockCount, ...]:
        """Basic blocks executed since the start or the last ``reset``."""
        return blocks_since(self._all_blocks(), self._earlier_blocks)

    def reset(self) -> None:
        """Starts counting from here."""
        self._baseline = self._total()
        self._earlier_blocks = self._all_blocks()

    def _all_blocks(self) -> tuple[BlockCount, ...]:
        capacity = 0
        while True:
            native = (NativeBlock * capacity)()
            used = int(self._library.eb_board_blocks(self._native, native, capacity))
            if used <= capacity:
                break
            capacity = used + 256
        return tuple(
            BlockCount(
                step=-1 if block.step < 0 else self._step_of[block.step],
                address=block.address,
                size=block.size,
                instructions=block.instructions,
                executions=block.executions,
                fell_through=block.fell_through,
                fetch_stalls=block.fetch_stalls,
                data_stalls=block.data_stalls,
            )
            for block in native[:used]
        )

    def _total(self) -> Counts:
        """Of one moment, where the CPU soon has nothing to do; of about one while it computes."""
        for _ in range(_READINGS):
            found = self._reading()
            now = int(self._library.eb_board_instructions(self._native))
            if now == found.instructions == sum(found.functions.values()):
                break
            time.sleep(_READING_SECONDS)
        return found

    def _reading(self) -> Counts:
        functions: Counter[str] = Counter()
        for block in self._all_blocks():
            function = self._elf.function_at(block.address)
            name = function.name if function else "?"
            functions[name] += block.executions * block.instructions
        steps = [0] * (max(self._step_of, default=-1) + 1)
        for index, number in enumerate(self._step_of):
            steps[number] += int(self._library.eb_board_step(self._native, index))
        lowest = int(self._library.eb_board_stack_lowest(self._native))
        return Counts(
            instructions=int(self._library.eb_board_instructions(self._native)),
            functions=dict(functions),
            steps=tuple(steps),
            stack_lowest=None if lowest == 0xFFFFFFFF else lowest,
        )
