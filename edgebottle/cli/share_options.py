"""Options that say which boards run which samples."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def share_options(function: F) -> F:
    """--sample and --parallel, which are handed over as one ``share``."""

    @functools.wraps(function)
    def with_share(*args: Any, on_board: int | None, boards: int, **options: Any) -> Any:
        from edgebottle.shared_runs import Share

        return function(*args, share=Share(boards, on_board), **options)

    sample = click.option(
        "--sample",
        "on_board",
        type=click.IntRange(min=1),
        metavar="N",
        help="Run N of the samples, evenly spread, on the board, and all of them on this computer "
        "in C of the same plan: the N must agree, and the record says so.",
    )
    parallel = click.option(
        "--parallel",
        "boards",
        type=click.IntRange(0, 64),
        is_flag=False,
        flag_value=0,
        default=1,
        metavar="[N]",
        help="Share the samples among N virtual boards at once (N left out: one for each core).",
    )
    wrapped: Any = sample(parallel(with_share))
    return wrapped  # type: ignore[no-any-return]
