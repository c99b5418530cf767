"""What long tables keep of what they have measured: a JSON line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def lines_of(file: Path) -> list[dict[str, Any]]:
    """What is known; a line that was cut off is none."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def is_known(file: Path, cell: Mapping[str, Any]) -> bool:
    """Whether a line holds all that is said of a cell."""
    return any({name: line.get(name) for name in cell} == cell for line in lines_of(file))


def add_line(file: Path, line: Mapping[str, Any]) -> None:
    """Adds a line, and prints it."""
    text = json.dumps(line)
    with file.open("a", encoding="utf-8") as out:
        out.write(text + "\n")
    print(text, flush=True)
