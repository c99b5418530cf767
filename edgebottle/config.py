"""``edgebottle.toml``: the model, board and budgets of a folder, for every command run in it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput

FILE = "edgebottle.toml"

TEMPLATE = """\
# Read by every edgebottle command that is run in this folder.

# A .tflite file (relative to this file), or the name of a network of the zoo.
model = "{model}"

# See `edgebottle boards`.
board = "{board}"

# How floating-point inputs and outputs around an int8 network are treated: "keep" or "int8".
io = "keep"

[budget]
# The most bytes the firmware may take; remove a line to allow all the board has.
# ram = 65536
# flash = 262144
"""

_KEYS = {"model": str, "board": str, "io": str, "toolchain": str, "budget": dict}


@dataclass(frozen=True)
class Config:
    """What ``edgebottle.toml`` says; None where it is silent.

    Attributes:
        path: The file, None where there is none.
        model: Path (made absolute where the file exists) or zoo name.
        board: Board id.
        io: ``keep`` or ``int8``.
        toolchain: ``zig`` or ``gcc``.
        ram_budget: Bytes.
        flash_budget: Bytes.
    """

    path: Path | None = None
    model: str | None = None
    board: str | None = None
    io: str | None = None
    toolchain: str | None = None
    ram_budget: int | None = None
    flash_budget: int | None = None


def load_config(folder: Path) -> Config:
    """Reads ``edgebottle.toml`` of ``folder``.

    Raises:
        BadInput: the file is not valid; the message names the key.
    """
    path = folder / FILE
    if not path.is_file():
        return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: {error}") from error
    for key, value in data.items():
        if key not in _KEYS:
            raise BadInput(f"{path}: unknown key '{key}'; known: {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise BadInput(f"{path}: '{key}' must be a {_KEYS[key].__name__}")
    _one_of(path, data, "io", ("keep", "int8"))
    _one_of(path, data, "toolchain", ("zig", "gcc"))
    budget = data.get("budget", {})
    for key, value in budget.items():
        if key not in ("ram", "flash") or not isinstance(value, int) or value <= 0:
            raise BadInput(f"{path}: [budget] takes 'ram' and 'flash', positive numbers of bytes")
    model = data.get("model")
    if model is not None and (folder / model).is_file():
        model = str(folder / model)
    return Config(
        path=path,
        model=model,
        board=data.get("board"),
        io=data.get("io"),
        toolchain=data.get("toolchain"),
        ram_budget=budget.get("ram"),
        flash_budget=budget.get("flash"),
    )


def _one_of(path: Path, data: dict[str, Any], key: str, allowed: tuple[str, ...]) -> None:
    if key in data and data[key] not in allowed:
        raise BadInput(f"{path}: '{key}' must be one of {', '.join(allowed)}")
