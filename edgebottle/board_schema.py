"""Which keys a table of a board file may have, and of which type."""

import difflib
from pathlib import Path
from typing import Any

from edgebottle.errors import BadBoard

LINUX = "linux"
"""Port of computers that run Linux."""


def check_keys(
    path: Path,
    prefix: str,
    data: dict[str, Any],
    required: dict[str, type],
    optional: dict[str, type],
) -> None:
    """Raises ``BadBoard`` for a key, below ``prefix``, that is missing, unknown or ill-typed."""
    for key in required:
        if key not in data:
            raise BadBoard(f"{path}: key '{prefix}{key}' is missing")
    for key, value in data.items():
        kind = required.get(key) or optional.get(key)
        if kind is None:
            near = difflib.get_close_matches(key, [*required, *optional], n=1)
            hint = f" (did you mean '{prefix}{near[0]}'?)" if near else ""
            raise BadBoard(f"{path}: unknown key '{prefix}{key}'{hint}")
        # bool is an int in Python, but not in a board file.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            wanted = getattr(kind, "__name__", str(kind))
            raise BadBoard(f"{path}: {prefix}{key} is {value!r}, not of type {wanted}")


def check_choice(path: Path, key: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises ``BadBoard`` for a value that is none of ``choices``."""
    if value not in choices:
        raise BadBoard(f"{path}: {key} is '{value}', not one of {', '.join(choices)}")


def check_linux(path: Path, data: dict[str, Any], target: str) -> None:
    """Raises ``BadBoard`` where a computer that runs Linux lacks something, or another is like one.

    Args:
        path: The file.
        data: Its content.
        target: What its CPU is compiled for under Linux; empty for CPUs that do not run it.
    """
    is_linux = data["port"] == LINUX
    if is_linux != bool(target):
        what = "runs Linux" if target else "does not run Linux"
        raise BadBoard(f"{path}: port is '{data['port']}': {data['cpu']} {what}")
    if is_linux != (data["upload"] == "ssh"):
        raise BadBoard(f"{path}: upload is '{data['upload']}': ssh is for computers with Linux")
    for key in ("regions", "uart", "timing") if is_linux else ("cores",):
        if key in data:
            raise BadBoard(f"{path}: '{key}' is {'not' if is_linux else 'only'} for Linux")
