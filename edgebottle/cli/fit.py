"""``edgebottle fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.options import (
    board_option,
    choose,
    json_option,
    memory_options,
    model_argument,
    print_json,
    toolchain_option,
)
from edgebottle.cli.voice import progress_bar

if TYPE_CHECKING:
    from edgebottle.fit import MemoryNeed, Wish
    from edgebottle.gate import Fitted


@click.command("fit")
@model_argument
@board_option
@memory_options
@toolchain_option
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    toolchain: str | None,
    as_json: bool,
    wish: Wish,
) -> None:
    """Say whether MODEL fits a board or a budget: a gate for pull requests.

    Exit code 0 where it fits, and 1 where it does not, with what is lacking, what would help and
    the smallest board that has room. With --board the budget (--ram, --flash) is the whole
    firmware's; without one it is for the library alone, on a Cortex-M with DSP instructions:
    arena, weights and code, without stack and whatever else your program has. Nothing is compiled
    but where only a compiler can tell.

    \b
    Examples:
      edgebottle fit model.tflite --ram 64k --flash 256k
      edgebottle fit model.tflite --board nucleo_l476rg
      edgebottle fit model.tflite -b cortex-m0plus --ram 16k --input rows
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.gate import require_fit, usual_core

    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    wish = chosen.complete(wish)
    if chosen.board is None and wish.ram is None and wish.flash is None:
        raise click.UsageError("Give a budget with --ram and --flash, or a board with --board ID.")
    loaded = chosen.load(quiet=as_json)
    with progress_bar(quiet=as_json) as progress:
        found = require_fit(
            loaded,
            chosen.board or usual_core(),
            wish,
            toolchain=chosen.toolchain,
            progress=progress,
        )
    if as_json:
        print_json(_json(found))
        return
    from edgebottle.cli.tables import fit_table
    from edgebottle.report.terminal import show

    show(fit_table(found))


def _json(found: Fitted) -> dict[str, Any]:
    """What ``--json`` prints where it fits; where it does not, the error says why."""
    return {
        "model": found.model.name,
        "board": found.verdict.board.id,
        "fits": True,
        "schedule": found.verdict.plan.schedule,
        "ram": {**_need(found.ram), "arena": found.verdict.plan.arena_bytes},
        "flash": {**_need(found.flash), "weights": found.verdict.source.weight_bytes},
        "compiled": found.compiled,
    }


def _need(need: MemoryNeed) -> dict[str, int | None]:
    """Bytes; ``least`` and ``most`` are equal where they are known exactly."""
    return {"least": need.bounds.least, "most": need.bounds.most, "allowed": need.allowed}
