"""Reaches a board's core with pyOCD as a library (the extra ``probe``)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf
from edgebottle.errors import BoardError, EdgebottleError
from edgebottle.programmers import all_programmers, target_of
from hil.post_mortem import holds, look_into

OPTIONS = {
    "connect_mode": "attach",  # as it is: a reset would lose what is looked for
    "resume_on_disconnect": True,
    "no_config": True,
}
"""Of pyOCD's session."""


class PyocdCore:
    """The first core of a target, halted; see ``post_mortem.CoreAccess``."""

    def __init__(self, target: Any) -> None:
        """Takes a target of pyOCD."""
        self._target = target

    def register(self, name: str) -> int:
        """See ``CoreAccess``."""
        with _as_os_error():
            return int(self._target.read_core_register(name)) & 0xFFFFFFFF

    def read(self, address: int, size: int) -> bytes:
        """See ``CoreAccess``."""
        with _as_os_error():
            words = self._target.read_memory_block32(address, size // 4)
            return b"".join(int(word).to_bytes(4, "little") for word in words)


def pyocd_name(board: Board) -> str | None:
    """What pyOCD calls the chip of a board; None where it does not know it."""
    pyocd = next(item for item in all_programmers() if item.name == "pyocd")
    target = target_of(board)
    return pyocd.target_name(target) if pyocd.serves(target) else None


def looked_into(board: Board, serial: str | None, elf: Path) -> str:
    """What the probe finds in a silent board, or why it finds nothing, in one sentence.

    Args:
        board: The board.
        serial: Serial number of its probe; None: the only one.
        elf: The image that was flashed.

    Returns:
        "" where pyOCD is not installed, or the core is no Cortex-M.
    """
    processor = board.processor
    if processor.arch != "arm" or find_spec("pyocd") is None:
        return ""
    try:
        with pyocd_core(board, serial) as core:
            image = read_elf(elf)
            if not holds(core, image):
                raise BoardError("its flash holds another image than the one flashed from here")
            has_registers = processor.dwt  # Armv6-M has neither a cycle counter nor these
            return str(look_into(core, image, has_registers))
    except (EdgebottleError, OSError) as error:
        return f"nothing was seen over the probe: {error}"


@contextmanager
def pyocd_core(board: Board, serial: str | None) -> Iterator[PyocdCore]:
    """Halts the core of a board, and lets it go on afterwards.

    Args:
        board: The board.
        serial: Serial number of its probe; None: the only one.

    Raises:
        BoardError: pyOCD is not installed, does not know the chip, finds no probe, or fails.
    """
    try:
        from pyocd.core.exceptions import Error
        from pyocd.core.helpers import ConnectHelper
        from pyocd.core.session import Session
    except ImportError as error:
        raise BoardError("pyOCD is not installed: pip install edgebottle[probe]") from error
    name = pyocd_name(board)
    if name is None:
        raise BoardError(f"pyOCD does not know the chip of {board.id}")
    logging.getLogger("pyocd").setLevel(logging.CRITICAL)
    try:
        probes = ConnectHelper.get_all_connected_probes(
            blocking=False, unique_id=serial, print_wait_message=False
        )
        if len(probes) != 1:
            found = f"{len(probes)} probes" if probes else "no probe"
            raise BoardError(f"pyOCD finds {found}{f' {serial}' if serial else ''}")
        session = Session(probes[0], options={**OPTIONS, "target_override": name})
        with session:
            session.target.halt()
            yield PyocdCore(session.target)
    except (Error, OSError, ValueError) as error:
        raise BoardError(f"pyOCD cannot look into {board.id}: {error}") from error


@contextmanager
def _as_os_error() -> Iterator[None]:
    """A failure of pyOCD's as ``OSError``, which those who read know."""
    from pyocd.core.exceptions import Error

    try:
        yield
    except Error as error:
        raise OSError(str(error)) from error
