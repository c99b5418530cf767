"""The image that each board was flashed with last from this computer, to look into its core by."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.build.cache import cache_dir
from edgebottle.errors import BadInput
from edgebottle.files import write_file
from hil.link import local_port
from hil.probes import ProbeChoice, probe_at


def remember_image(elf: Path, board: Board, port: str, choice: ProbeChoice) -> None:
    """Keeps a copy of what a board was flashed with; one that cannot be kept is none."""
    with contextlib.suppress(BadInput, OSError):
        write_file(_path(board, port, choice), elf.read_bytes())


def last_image(board: Board, port: str, choice: ProbeChoice) -> Path | None:
    """What the board was flashed with last; None where nothing is known of that."""
    path = _path(board, port, choice)
    return path if path.is_file() else None


def _path(board: Board, port: str, choice: ProbeChoice) -> Path:
    """Of the image: it belongs to the probe, or to the port of a board without one."""
    device = local_port(port)
    where = choice.serial or (device and probe_at(device)) or port
    key = hashlib.sha256(f"{board.id} {where}".encode()).hexdigest()[:16]
    return cache_dir() / "bench" / "images" / f"{key}.elf"
