"""What the commands of `edgebottle bench` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def bench_option(function: F) -> F:
    """--bench."""
    return click.option(
        "--bench",
        metavar="FILE",
        type=click.Path(path_type=Path, readable=False),
        help="The boards (default: $EDGEBOTTLE_BENCH, or bench.toml of this folder).",
    )(function)


def required_bench(given: Path | None) -> Path:
    """The file of the bench; raises ``BadInput`` where none is named and none is here."""
    from edgebottle.errors import BadInput
    from hil.bench.entries import bench_path

    path = bench_path(given)
    if path is None:
        raise BadInput(
            "there is no bench.toml here: `edgebottle bench add` writes one, --bench FILE or "
            "EDGEBOTTLE_BENCH names another"
        )
    return path
