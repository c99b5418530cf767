"""Waiting for memory: loops and reads on virtual boards against waits counted by hand."""

from dataclasses import replace

import pytest
from virtual_helpers import F7, L4, Link, booted, commands_elf

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf
from edgebottle.memory_timing import MemoryPath, Timing
from hil.virtual.client import VirtualBoard

FLASH = MemoryPath(wait=5, next=3, line_bytes=32, sets=1, ways=32, read_bytes=8)
SMALL = MemoryPath(wait=5, next=4, line_bytes=32, sets=1, ways=8, read_bytes=8)
LARGE = replace(SMALL, ways=64)
WORDS = MemoryPath(wait=2, next=2, line_bytes=4, sets=1, ways=1, read_bytes=4)
SHARED = MemoryPath(wait=5, next=4)
STRAIGHT, LOOP, READS, IN_TURN = 1, 0, 5, 6


def stalls(board: Board, step: int) -> tuple[int, int]:
    """Waits for instructions and for data in one of the steps, the second time they run."""
    with booted(board) as link:
        link.virtual.model_memory(True)
        link.ask("x")
        link.virtual.reset_counts()
        link.ask("x")
        blocks = [block for block in link.virtual.blocks() if block.step == step]
    return sum(b.fetch_stalls for b in blocks), sum(b.data_stalls for b in blocks)


def reads_of(board: Board, name: str, nbytes: int) -> int:
    """How many reads of 8 bytes the code of a function takes."""
    start = read_elf(commands_elf(board)).address_of(name)
    assert start is not None
    return (start + nbytes - 1) // 8 - start // 8 + 1


@pytest.mark.parametrize("board", [L4, F7], ids=lambda board: board.id)
def test_code_larger_than_the_cache_is_fetched_each_time(board: Board) -> None:
    # 6 kB through 1 kB: in a row, each read but the first was prefetched. It runs twice.
    reads = reads_of(board, "step_01_straight", 2 + 1500 * 4 + 2)
    found = stalls(replace(board, timing=Timing(FLASH, SMALL)), STRAIGHT)
    assert found == (2 * (5 + 3 * (reads - 1)), 0)


def test_code_in_the_cache_is_fetched_once() -> None:
    # movs, lsls, subs, bne, bx: evicted by the step before, then 1000 rounds for nothing.
    reads = reads_of(L4, "step_00_loop", 5 * 2)
    assert stalls(replace(L4, timing=Timing(FLASH, SMALL)), LOOP) == (5 + 3 * (reads - 1), 0)
    large = replace(FLASH, ways=512)
    assert stalls(replace(L4, timing=Timing(large, SMALL)), LOOP) == (0, 0)


DATA = [
    # The literal, then 256 bytes in 32 reads of 8, in a row but for the first.
    (SMALL, 5 + 5 + 4 * 31),
    (LARGE, 0),  # all still there from the time before
    (WORDS, 2 + 2 * 64),  # no cache: each word is waited for
]


@pytest.mark.parametrize(("path", "expected"), DATA)
def test_reads_of_constants(path: MemoryPath, expected: int) -> None:
    assert stalls(replace(L4, timing=Timing(FLASH, path)), READS)[1] == expected


@pytest.mark.parametrize(("board", "expected"), [(L4, 3), (F7, 0)], ids=lambda one: str(one))
def test_accesses_overlap_within_a_memory_only(board: Board, expected: int) -> None:
    # On the Cortex-M4: from the literal to RAM, to flash, not to the next word, and to RAM.
    large = replace(FLASH, ways=512)
    assert stalls(replace(board, timing=Timing(large, LARGE)), IN_TURN) == (0, expected)


def test_one_cache_for_both() -> None:
    large = replace(FLASH, ways=1024)
    assert stalls(replace(L4, timing=Timing(large, SHARED)), READS) == (0, 0)
    # The literal lies behind the code, and so was prefetched.
    found = stalls(replace(L4, timing=Timing(replace(FLASH, ways=8), SHARED)), READS)
    assert found[1] == 4 + 5 + 4 * 31


def test_nothing_waits_unless_asked() -> None:
    with booted(replace(L4, timing=Timing(FLASH, SMALL))) as link:
        link.ask("x")
        before = _stalls(link.virtual)
        link.virtual.model_memory(True)
        link.ask("x")
        link.virtual.model_memory(False)
        between = _stalls(link.virtual)
        link.ask("x")
        assert before == 0 < between == _stalls(link.virtual)


def _stalls(virtual: VirtualBoard) -> int:
    return sum(block.fetch_stalls + block.data_stalls for block in virtual.blocks())


def test_modelling_changes_no_count() -> None:
    board = replace(L4, timing=Timing(FLASH, SMALL))
    steps = []
    for on in (False, True):
        with booted(board) as link:
            link.virtual.model_memory(on)
            link.ask("x")
            steps.append(_steps(link))
    assert steps[0] == steps[1]


def _steps(link: Link) -> tuple[int, ...]:
    return link.virtual.counts().steps
