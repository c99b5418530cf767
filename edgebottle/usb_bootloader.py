"""How a board's own USB port gets to its bootloader: table ``usb`` of a board file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.board_schema import check_keys
from edgebottle.errors import BadBoard


@dataclass(frozen=True)
class UsbBootloader:
    """USB devices of a board, each as ``VID:PID``.

    Attributes:
        bootloader: Of its bootloader.
        programs: Of programs that start it when their serial port is opened at 1200 baud.
    """

    bootloader: str
    programs: tuple[str, ...] = ()


def parse_usb(path: Path, data: dict[str, Any]) -> UsbBootloader:
    """The table ``usb`` of a board file.

    Raises:
        BadBoard: it violates the schema; names the key.
    """
    check_keys(path, "usb.", data, {"bootloader": str}, {"programs": list})
    found = UsbBootloader(data["bootloader"], tuple(data.get("programs", ())))
    for key, ids in (("bootloader", (found.bootloader,)), ("programs", found.programs)):
        for device in ids:
            if not re.fullmatch(r"[0-9A-F]{4}:[0-9A-F]{4}", str(device)):
                raise BadBoard(f"{path}: usb.{key} has {device!r}, not a VID:PID such as 2341:005A")
    return found
