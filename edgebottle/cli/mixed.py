"""``--bits mixed`` of ``edgebottle train``: its options, and the choice of bits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgebottle.cli.options import (
    board_option,
    check_writable,
    choose,
    memory_options,
    print_json,
)
from edgebottle.cli.voice import progress_bar

if TYPE_CHECKING:
    from edgebottle.fit import Wish
    from edgebottle.training import TrainingData
    from quantize.lowbit.bits import Bits
    from quantize.lowbit.network import FloatNetwork

F = TypeVar("F", bound=Callable[..., Any])

MIXED = "mixed"
"""What --bits says where the bits are to be chosen."""


@dataclass(frozen=True)
class MixedOptions:
    """What the command line says of a choice of bits.

    Attributes:
        board: Id, None where it says none.
        wish: Memory, and how the network is run.
        ms: The most milliseconds of a run; None for any number.
        dry_run: Nothing is trained.
    """

    board: str | None
    wish: Wish
    ms: float | None
    dry_run: bool

    def check(self, bits: str) -> None:
        """Raises a usage error where they say something, and the bits are given."""
        from edgebottle.fit import Wish

        says = self.board or self.wish != Wish() or self.ms is not None or self.dry_run
        if bits != MIXED and says:
            raise click.UsageError(
                "--board, its memory and time, and --dry-run are for bits that are chosen: give "
                f"--bits {MIXED}, or leave them out."
            )


def mixed_options(function: F) -> F:
    """--board, those of memory, --ms and --dry-run, handed over as one ``mixed``."""

    @functools.wraps(function)
    def with_mixed(
        *args: Any, board: str | None, wish: Wish, ms: float | None, dry_run: bool, **options: Any
    ) -> Any:
        return function(*args, mixed=MixedOptions(board, wish, ms, dry_run), **options)

    wrapped: Any = with_mixed
    wrapped = click.option(
        "--dry-run",
        is_flag=True,
        help="With --bits mixed: choose the bits, show them and write the plan, and train nothing.",
    )(wrapped)
    wrapped = click.option(
        "--ms",
        type=click.FloatRange(min=0, min_open=True),
        metavar="MS",
        help="With --bits mixed: the most milliseconds of a run, as the virtual board models them.",
    )(wrapped)
    return board_option(memory_options(wrapped))  # type: ignore[no-any-return]


def given_bits(text: str, mixed: MixedOptions, target: Path, *, resume: bool) -> Bits | None:
    """The bits that --bits says; None where they are to be chosen.

    Args:
        text: Of --bits.
        mixed: The options for a choice.
        target: The .tflite to come.
        resume: Take what was chosen before, if anything was.

    Raises:
        BadInput: they are no bits, or the plan cannot be written.
        BoardNotFound: there is no such board; none at all is a usage error.
    """
    from quantize.lowbit.bits import Bits

    mixed.check(text)
    if text != MIXED:
        return Bits.parse(text)
    choose(str(target), board=mixed.board, quiet=True).require_board()  # before Keras loads
    plan = _plan_file(target)
    check_writable(plan)
    return Bits.parse(str(plan)) if resume and plan.is_file() else None


def choose_bits(
    model: Path,
    network: FloatNetwork,
    data: TrainingData,
    mixed: MixedOptions,
    target: Path,
    *,
    quiet: bool,
) -> tuple[Bits, dict[str, Any]]:
    """Chooses the bits of each layer, writes the plan, and shows it.

    Args:
        model: The file of the float network.
        network: What it holds.
        data: Samples.
        mixed: The board and the budget.
        target: The .tflite to come.
        quiet: Print JSON alone: here where nothing follows, else what is returned.

    Returns:
        The bits, and what is to be said of them in JSON.

    Raises:
        DoesNotFit: no bits are few enough.
    """
    from edgebottle.allocation import allocate
    from edgebottle.bit_costs import BitBudget
    from edgebottle.files import write_file
    from edgebottle.report.allocation import allocation_parts
    from edgebottle.report.terminal import show

    chosen = choose(str(model), board=mixed.board, quiet=quiet)
    board, wish = chosen.require_board(), chosen.complete(mixed.wish)
    with progress_bar(quiet=quiet) as progress:
        budget = BitBudget(board, wish, mixed.ms, chosen.toolchain)
        found = allocate(network, data, budget, progress)
    plan = _plan_file(target)
    write_file(plan, found.bits.to_toml().encode())
    told = {"plan": str(plan), "allocation": found.to_json()}
    if not quiet:
        show(*allocation_parts(found), f"{plan}: the plan, for --bits")
    elif mixed.dry_run:
        print_json(told)
    return found.bits, told


def _plan_file(target: Path) -> Path:
    return target.with_suffix(".toml")
