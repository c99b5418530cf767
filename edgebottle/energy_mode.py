"""The board as its firmware for energy mode knows it."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.boards import Board, all_boards
from edgebottle.energy_pin import energy_baud
from edgebottle.errors import BadInput


def in_energy_mode(board: Board) -> Board:
    """A board whose firmware is that of energy mode: pulses, and a slow serial line.

    Raises:
        BadInput: it has no pin for the pulses.
    """
    if board.uart is None or board.energy is None:
        able = ", ".join(other.id for other in all_boards() if other.energy is not None)
        raise BadInput(
            f"{board.id} has no pin for the pulses of energy mode ([energy] in its board file); "
            f"these have one: {able}"
        )
    return replace(board, uart=replace(board.uart, baud=energy_baud()), has_pulses=True)
