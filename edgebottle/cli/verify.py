"""``edgebottle verify``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.board_options import check_port, port_options
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
    from edgebottle.fit import Wish
    from edgebottle.verify import Verification
    from hil.probes import ProbeChoice


@click.command("verify")
@model_argument
@board_option
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=20,
    metavar="N",
    help="How many inputs (default 20).",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of the random inputs."
)
@port_options
@click.option(
    "--emulator",
    type=click.Choice(["qemu"]),
    help="Another emulator than the virtual board's: qemu runs the same image on a machine of "
    "QEMU, for boards that it has one for.",
)
@memory_options
@toolchain_option
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    samples: int,
    seed: int,
    port: str | None,
    choice: ProbeChoice,
    emulator: str | None,
    toolchain: str | None,
    as_json: bool,
    wish: Wish,
) -> None:
    """Prove that MODEL computes the very same bits everywhere.

    Runs edge-case and random inputs through LiteRT's reference kernels, the NumPy reference, the
    generated C on this computer, and the board; compares every output, and names the first layer
    that differs. Exit code 1 if anything does. Integer networks must agree to the last bit,
    floating-point ones within a tolerance.

    \b
    Examples:
      edgebottle verify model.tflite --board stm32f746
      edgebottle verify model.tflite --board host --samples 200 --seed 7
      edgebottle verify model.tflite --board microbit --emulator qemu
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.verify import verify_model
    from hil.virtual.qemu import check_qemu

    if emulator is not None and port is not None:
        raise click.UsageError("--port is a real board and --emulator none: leave one out.")
    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = chosen.require_board(port)
    check_port(port, target, choice)
    if emulator is not None:
        check_qemu(target)  # said before the work is done
    loaded = chosen.load(quiet=as_json)
    with progress_bar(quiet=as_json) as progress:
        result = verify_model(
            loaded,
            target,
            samples=samples,
            seed=seed,
            toolchain=chosen.toolchain,
            wish=chosen.complete(wish),
            port=port,
            choice=choice,
            on_qemu=emulator is not None,
            progress=progress,
        )
    if as_json:
        print_json(_json(result))
    else:
        from edgebottle.cli.tables import verification_lines
        from edgebottle.report.terminal import show

        show(*verification_lines(result))
    sys.exit(0 if result.match else 1)


def _json(result: Verification) -> dict[str, Any]:
    """What ``--json`` prints."""
    built = result.built
    stack = built.ram.stack if result.stack is None else result.stack
    ram = {"bytes": built.ram.arena + stack + built.ram.static, "arena": built.ram.arena}
    return {
        "model": built.model.name,
        "board": built.board.id,
        "match": result.match,
        "exact": result.exact,
        "samples": result.samples,
        "implementations": list(result.implementations),
        "litert_refusal": result.litert_refusal,
        "onnxruntime": asdict(result.onnx) if result.onnx else None,
        "difference": asdict(result.difference) if result.difference else None,
        "ram": {**ram, "stack": stack, "static": built.ram.static},
        "flash": built.flash.to_json(),
        "macs": built.model.macs(),
        "instructions": result.instructions,
        "layers": [asdict(layer) for layer in result.layers],
    }
