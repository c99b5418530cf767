"""``edgebottle.toml``: the model, board and budgets of a folder, for every command run in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput
from edgebottle.toml_tables import load_toml, near_words

FILE = "edgebottle.toml"

_TEMPLATE = """\
# Read by every edgebottle command that is run in this folder.

# A .tflite file (relative to this file), or the name of a network of the zoo.
model = {model}

# See `edgebottle boards`.
board = {board}

# How floating-point inputs and outputs around an int8 network are treated: "keep" or "int8".
io = "keep"

# The cross compiler: "zig", which comes with edgebottle, or an installed "gcc".
toolchain = "zig"

# Which signature of a .tflite file that has several.
# signature = "serving_default"

[budget]
# The most bytes the firmware may take; without a line, all the board has.
# ram = "64k"
# flash = "256k"
"""

_KEYS = {
    **{"model": str, "board": str, "io": str, "toolchain": str, "signature": str},
    "budget": dict,
}
_KINDS = {str: "text in quotes", dict: "a table"}
_BUDGETS = ("ram", "flash")

MAX_COUNT = 1 << 50
"""Bytes that no board has."""

_FACTORS = {"": 1, "k": 1024, "m": 1024**2}
_BYTES = re.compile(
    r"(?P<digits>[0-9]{1,15}(\.[0-9]{1,9})?|[0-9]{1,3}(,[0-9]{3}){1,4}) ?"
    r"(?P<unit>[kKmM]?)(i?[bB]|[bB]ytes?)?"
)


@dataclass(frozen=True)
class Config:
    """What ``edgebottle.toml`` says; None where it is silent.

    Attributes:
        path: The file, None where there is none.
        model: Path (made absolute where the file exists) or zoo name.
        board: Board id.
        io: ``keep`` or ``int8``.
        toolchain: ``zig`` or ``gcc``.
        signature: Of ``model``, where that has several.
        ram_budget: Bytes.
        flash_budget: Bytes.
    """

    path: Path | None = None
    model: str | None = None
    board: str | None = None
    io: str | None = None
    toolchain: str | None = None
    signature: str | None = None
    ram_budget: int | None = None
    flash_budget: int | None = None


def template(model: str, board: str) -> str:
    """The text of a new file."""
    # A JSON string is a TOML string as well.
    return _TEMPLATE.format(model=json.dumps(model), board=json.dumps(board))


def parse_bytes(text: str) -> int:
    """Bytes as people write them: ``65536``, ``64k``, ``64KiB``, ``12.5 kB``, ``1,024 bytes``.

    k is 1024 and M is 1024 k, with B, iB, bytes or nothing behind, as edgebottle itself writes.

    Raises:
        BadInput: it is no such number, or less than one byte.
    """
    found = _BYTES.fullmatch(text.strip())
    count = 0
    if found is not None:
        digits, unit = found["digits"].replace(",", ""), found["unit"].lower()
        count = int(Fraction(digits) * _FACTORS[unit])
    if not 0 < count < MAX_COUNT:
        raise BadInput(f"'{text}' is not a number of bytes such as 65536, 64k, 12.5kB or 1M")
    return count


def load_config(folder: Path) -> Config:
    """Reads ``edgebottle.toml`` of ``folder``.

    Raises:
        BadInput: the file is not valid; the message names the key.
    """
    path = folder / FILE
    if not path.exists():
        return Config()
    data = load_toml(path)
    for key, value in data.items():
        if key not in _KEYS:
            raise BadInput(f"{path}: unknown key '{key}'{near_words(key, tuple(_KEYS))}")
        if not isinstance(value, _KEYS[key]):
            raise BadInput(f"{path}: '{key}' must be {_KINDS[_KEYS[key]]}, not {value!r}")
    _one_of(path, data, "io", ("keep", "int8"))
    _one_of(path, data, "toolchain", ("zig", "gcc"))
    budget = _budget(path, data.get("budget", {}))
    model = data.get("model")
    if model is not None and (folder / model).is_file():
        model = str(folder / model)
    return Config(
        path=path,
        model=model,
        board=data.get("board"),
        io=data.get("io"),
        toolchain=data.get("toolchain"),
        signature=data.get("signature"),
        ram_budget=budget.get("ram"),
        flash_budget=budget.get("flash"),
    )


def _budget(path: Path, table: dict[str, Any]) -> dict[str, int]:
    budget = {}
    for key, value in table.items():
        if key not in _BUDGETS:
            raise BadInput(f"{path}: unknown key 'budget.{key}'{near_words(key, _BUDGETS)}")
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise BadInput(f"{path}: 'budget.{key}' must be a number of bytes, not {value!r}")
        try:
            budget[key] = parse_bytes(str(value))
        except BadInput as error:
            raise BadInput(f"{path}: 'budget.{key}': {error}") from error
    return budget


def _one_of(path: Path, data: dict[str, Any], key: str, allowed: tuple[str, ...]) -> None:
    if key in data and data[key] not in allowed:
        raise BadInput(f"{path}: '{key}' is '{data[key]}', not one of {', '.join(allowed)}")
