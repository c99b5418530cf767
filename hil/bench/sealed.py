"""Lines that carry their checksum, for what comes from another computer.

Whatever else is printed there (a greeting of the shell, a warning of a library) is no such line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_MARK = "edgebottle:"


class Unsealed(Exception):
    """A line that was sealed, and has changed since."""


def sealed(message: Mapping[str, Any]) -> str:
    """One line with its end: a mark, SHA-256 of what follows, and a message as JSON."""
    text = json.dumps(message, separators=(",", ":"))
    return f"{_MARK}{_digest(text)} {text}\n"


def unsealed(line: str) -> dict[str, Any] | None:
    """The message of a line; None where it is no such line; raises ``Unsealed``."""
    if not line.startswith(_MARK):
        return None
    digest, _, text = line.removeprefix(_MARK).rstrip("\r\n").partition(" ")
    if digest != _digest(text):
        raise Unsealed(f"a line of {len(line)} characters came damaged")
    message: dict[str, Any] = json.loads(text)
    return message


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
