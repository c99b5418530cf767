"""Where tables of costs lie: in edgebottle, or in the cache of the computer that made them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from edgebottle.build.cache import cache_dir, keep

FOLDER = Path(__file__).resolve().parent / "data"
"""The tables that come with edgebottle, of zig and the default of ``--optimize``."""

USUAL = ("zig", "balanced")
"""Toolchain and optimization of these."""


def table_path(what: str, board: str, toolchain: str, optimize: str) -> Path:
    """Where the cache has a table.

    Args:
        what: ``times`` or ``code``.
        board: Its id.
        toolchain: What compiled.
        optimize: ``size``, ``balanced`` or ``speed``.
    """
    return cache_dir() / "costs" / f"{what}-{board}-{toolchain}-{optimize}.json"


def table_text(what: str, board: str, toolchain: str, optimize: str) -> str | None:
    """A table from the cache, or that which comes with edgebottle; None where there is neither."""
    own = table_path(what, board, toolchain, optimize)
    if own.is_file():
        return own.read_text(encoding="utf-8")
    if (toolchain, optimize) != USUAL:
        return None
    return _of_file(FOLDER / f"{what}-{board}.json")


@lru_cache
def _of_file(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def keep_table(what: str, board: str, toolchain: str, optimize: str, text: str) -> Path:
    """Puts a table into the cache, for this computer; returns its path."""
    path = table_path(what, board, toolchain, optimize)
    keep(path, text.encode())
    return path
