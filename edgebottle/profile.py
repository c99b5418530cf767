"""Profiles a built model on its virtual board: exact counts per layer and per loop."""

from __future__ import annotations

from collections import defaultdict

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf
from edgebottle.drivers import open_session, to_bytes
from edgebottle.errors import BadInput, BoardError
from edgebottle.loops import find_loops
from edgebottle.pipeline import Built
from edgebottle.report.profile import LayerProfile, Profile, mac_limit
from edgebottle.samples import edge_cases
from edgebottle.verify import layer_records


def check_board(board: Board) -> None:
    """Makes sure that ``board`` can be profiled.

    Raises:
        BadInput: nothing counts its basic blocks.
    """
    advice = "profile a virtual board, such as nucleo_l4r5zi"
    if board.is_host:
        raise BadInput(f"{board.id} runs on this computer, which counts no instructions: {advice}")
    if board.is_linux:
        raise BadInput(f"{board.id} runs Linux, where no loops are counted: {advice}")
    if board.is_qemu:
        raise BadInput(f"{board.id} runs on QEMU, where no loops are counted: {advice}")
    if not board.virtual:
        raise BadInput(f"{board.id} has no virtual board: {advice}")


def profile(built: Built) -> Profile:
    """Runs a built model once, on an edge-case input, and counts.

    Args:
        built: The firmware.

    Raises:
        BadInput: nothing counts the blocks of this board.
        BoardError: the board failed.
    """
    check_board(built.board)
    (sample,) = edge_cases(built.model.graph, 1).inputs
    with open_session(built) as session:
        run = session.run(to_bytes(sample), count=True)
    counts = run.counts
    if counts is None:
        raise BoardError(f"{built.board.id} counts no instructions")
    elf, per_step = read_elf(built.elf), defaultdict(list)
    for block in run.blocks:
        per_step[block.step].append(block)
    layers = layer_records(built, counts.steps)
    return Profile(
        model=built.model.name,
        board=built.board.id,
        compiler=built.compiler,
        schedule=built.plan.schedule,
        limit=mac_limit(built.board),
        macs=built.model.macs(),
        instructions=counts.instructions,
        layers=tuple(
            LayerProfile(layer, find_loops(per_step[number], elf))
            for number, layer in enumerate(layers)
        ),
    )
