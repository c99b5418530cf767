"""Reads the tables of a TOML file that people write: every mistake is named by its key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput
from edgebottle.files import read_file

MAX_BYTES = 1 << 20

Reader = Callable[[object], Any]
"""Takes what TOML says, and gives the value; raises ``BadInput`` that says what it must be."""


def near_words(key: str, known: tuple[str, ...]) -> str:
    """What to say of an unknown key: the nearest of those that are known, or all of them."""
    near = difflib.get_close_matches(key, known, n=1)
    return f": did you mean '{near[0]}'?" if near else f"; known: {', '.join(known)}"


def load_toml(path: Path) -> dict[str, Any]:
    """The tables of a file; raises ``BadInput`` where it cannot be read or is no TOML."""
    try:
        return tomllib.loads(read_file(path, MAX_BYTES).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error


def check_version(table: dict[str, Any], path: Path, version: int, remedy: str) -> None:
    """Takes ``version`` out of a file's table.

    Args:
        table: Of the whole file.
        path: Of it.
        version: The one that can be read.
        remedy: Where such a file is to be had.

    Raises:
        BadInput: it is another one, or none.
    """
    found = table.pop("version", None)
    if isinstance(found, bool) or found != version:
        said = "of no version" if found is None else f"of version {found!r}"
        raise BadInput(f"{path} is {said}, and this edgebottle reads version {version}: {remedy}")


def read_table(
    table: Mapping[str, Any],
    readers: Mapping[str, Reader],
    prefix: str,
    required: tuple[str, ...] = (),
    others: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The values of a table by their keys.

    Args:
        table: What TOML says.
        readers: By key.
        prefix: What stands before a key in a message, such as ``budget.``.
        required: Keys that must be there.
        others: Keys that were read already: a hint may name them.

    Raises:
        BadInput: names the key.
    """
    for key in table:
        if key not in readers:
            near = near_words(key, (*readers, *others))
            raise BadInput(f"unknown key '{prefix}{key}'{near}")
    for key in required:
        if key not in table:
            raise BadInput(f"key '{prefix}{key}' is missing")
    values = {}
    for key, value in table.items():
        try:
            values[key] = readers[key](value)
        except BadInput as error:
            raise BadInput(f"'{prefix}{key}' is {value!r}: it must be {error}") from error
    return values


def text(value: object) -> str:
    """Not empty."""
    if not isinstance(value, str) or not value.strip():
        raise BadInput("text in quotes")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BadInput("true or false")
    return value


def whole(least: int, most: int | None = None) -> Reader:
    """A number without a fraction."""

    def read(value: object) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number or value < least or (most is not None and value > most):  # type: ignore[operator]
            span = f"{least} or more" if most is None else f"{least} to {most}"
            raise BadInput(f"a whole number, {span}")
        return value  # type: ignore[return-value]

    return read


def one_of(*allowed: str) -> Reader:
    """One of several words."""

    def read(value: object) -> str:
        if value not in allowed:
            near = near_words(str(value), allowed) if isinstance(value, str) else ""
            hint = near if "did you mean" in near else ""
            raise BadInput(f"one of {', '.join(allowed)}{hint}")
        return str(value)

    return read


def list_of(each: Reader, *, may_be_empty: bool = False) -> Reader:
    """A list of different values."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not (value or may_be_empty):
            raise BadInput("a list such as [a, b]" + ("" if may_be_empty else ", not empty"))
        try:
            read = tuple(each(one) for one in value)
        except BadInput as error:
            raise BadInput(f"a list, and each of it {error}") from error
        if len(set(read)) < len(read):
            raise BadInput("a list of different values")
        return read

    return read
