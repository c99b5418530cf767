"""The machine of QEMU that runs the firmware of a board as it is: table ``qemu`` of a board file.

QEMU is an emulator that nobody of this project wrote. A machine fits where flash, RAM and the UART
lie at the addresses of the board and the core is the same; what it does not emulate (clock set-up,
caches, a cycle counter) the firmware comes through without.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.board_schema import check_keys
from edgebottle.errors import BadBoard

MAX_SERIAL = 15
"""More serial ports than any machine has."""


@dataclass(frozen=True)
class QemuMachine:
    """A machine of ``qemu-system-arm``.

    Attributes:
        machine: Its name there, such as ``microbit``.
        serial: Which of the machine's serial ports, counted from 0, is the board's UART.
        since: The first version of QEMU in which it is complete, such as ``9.1``; empty for those
            that version 7.2 has.
    """

    machine: str
    serial: int = 0
    since: str = ""


def parse_qemu(path: Path, data: dict[str, Any]) -> QemuMachine:
    """The table ``qemu`` of a board file.

    Raises:
        BadBoard: it violates the schema; names the key.
    """
    check_keys(path, "qemu.", data, {"machine": str}, {"serial": int, "since": str})
    found = QemuMachine(**data)
    if not 0 <= found.serial <= MAX_SERIAL:
        raise BadBoard(f"{path}: qemu.serial is {found.serial}, not 0 to {MAX_SERIAL}")
    if found.since and not re.fullmatch(r"\d+\.\d+", found.since):
        raise BadBoard(f"{path}: qemu.since is '{found.since}', not a version such as 9.1")
    return found
