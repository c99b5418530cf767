"""The virtual board as a process: ``python -m hil.virtual ELF --board ID``.

Prints ``{"url": "socket://127.0.0.1:PORT"}``, then answers requests, one JSON object per line each
way: ``counts``, ``blocks``, ``reset-counts``, ``model-memory`` (with ``on``), ``register`` (with
``address``), ``pin-levels``, ``quit``. The end of standard input is a ``quit``, so that the board
never outlives whoever started it. A fault is printed when it happens.
"""

import argparse
import json
import sys
import threading
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from edgebottle.boards import Board, Region
from edgebottle.build.elf import read_elf
from edgebottle.energy_pin import EnergyPin
from edgebottle.errors import BadBoard, BadInput, EdgebottleError
from edgebottle.memory_timing import MemoryPath, Timing
from edgebottle.ports import Clock, Uart
from hil.virtual.machine import Machine

_print_lock = threading.Lock()


def _send(message: dict[str, Any]) -> None:
    with _print_lock:
        print(json.dumps(message), flush=True)


def board_from_json(text: str) -> Board:
    """Reads what ``json.dumps(dataclasses.asdict(board))`` wrote.

    Raises:
        BadBoard: it is not a board.
    """
    try:
        fields = json.loads(text)
        fields["regions"] = tuple(Region(**region) for region in fields["regions"])
        fields["uart"] = Uart(**fields["uart"]) if fields["uart"] else None
        fields["clock"] = Clock(**fields["clock"]) if fields.get("clock") else None
        fields["energy"] = EnergyPin(**fields["energy"]) if fields.get("energy") else None
        if fields.get("timing"):
            paths = {name: MemoryPath(**path) for name, path in fields["timing"].items() if path}
            fields["timing"] = Timing(**paths)
        return Board(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise BadBoard(f"--board-json is not a board: {error}") from error


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hil.virtual", description=__doc__)
    parser.add_argument("elf", type=Path)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--board", metavar="ID", help="a file of boards/")
    which.add_argument("--board-json", metavar="JSON", help="a Board object")
    parser.add_argument(
        "--deadline",
        type=float,
        metavar="SECONDS",
        help="stop firmware that does not look at its serial port for so long",
    )
    return parser.parse_args(argv)


def _board(arguments: argparse.Namespace) -> Board:
    if arguments.board_json is not None:
        return board_from_json(arguments.board_json)
    from edgebottle.boards import load_board

    return load_board(arguments.board)


def _answer(machine: Machine, line: str) -> dict[str, Any] | None:
    """Returns the answer to one request, None for ``quit``."""
    try:
        request = json.loads(line)
        command = request["cmd"]
    except (ValueError, TypeError, KeyError):
        return {"error": {"message": "not a request", "type": "BadInput"}}
    if command == "quit":
        return None
    if command == "counts":
        return asdict(machine.counts())
    if command == "blocks":
        return {"blocks": [astuple(block) for block in machine.blocks()]}
    if command == "model-memory":
        machine.model_memory(bool(request.get("on")))
        return {}
    if command == "register":
        return _register(machine, request.get("address"))
    if command == "pin-levels":
        return {"levels": [astuple(level) for level in machine.pin_levels()]}
    if command == "line-rate":
        machine.set_line_rate(int(request["baud"]))
        return {}
    if command == "reset-counts":
        machine.reset_counts()
        return {}
    return {"error": {"message": f"no command '{command}'", "type": "BadInput"}}


def _register(machine: Machine, address: Any) -> dict[str, Any]:
    try:
        return {"value": machine.register(int(address))}
    except (BadInput, TypeError, ValueError) as error:
        return {"error": {"message": str(error), "type": "BadInput"}}


def _watch(machine: Machine) -> None:
    fault = machine.wait()
    if fault is not None:
        _send({"fault": asdict(fault)})


def main(argv: list[str] | None = None) -> int:
    """Runs the process; returns its exit code."""
    arguments = _arguments(argv)
    try:
        machine = Machine(_board(arguments), read_elf(arguments.elf))
        port = machine.listen()
    except EdgebottleError as error:
        _send({"error": {"message": str(error), "type": type(error).__name__}})
        return error.exit_code
    machine.start(arguments.deadline)
    _send({"url": f"socket://127.0.0.1:{port}"})
    threading.Thread(target=_watch, args=(machine,), daemon=True).start()
    for line in sys.stdin:
        answer = _answer(machine, line)
        if answer is None:
            break
        _send(answer)
    machine.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
