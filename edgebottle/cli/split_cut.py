"""``edgebottle split cut``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.options import check_writable, json_option, print_json
from edgebottle.cli.voice import Volume, volume

if TYPE_CHECKING:
    from edgebottle.split.description import SplitFile

_FILE = click.Path(path_type=Path, readable=False)


@click.command("cut")
@click.argument("model", metavar="MODEL", type=_FILE)
@click.option("--out-head", metavar="FILE", type=_FILE, help="Where the device's part goes.")
@click.option("--out-tail", metavar="FILE", type=_FILE, help="Where the server's part goes.")
@json_option
def cut(model: Path, out_head: Path | None, out_tail: Path | None, as_json: bool) -> None:
    """Cut a split network, a .tflite of `edgebottle split train`, at its bottleneck.

    The head is what `edgebottle build` takes for a device: it says in its metadata how its frames
    are made. A server takes the whole file; the tail alone is for a runtime of your own.

    \b
    Examples:
      edgebottle split cut split.tflite --out-head head.tflite
      edgebottle split cut split.tflite --out-head head.tflite --out-tail tail.tflite
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.files import write_file

    wanted = [path for path in (out_head, out_tail) if path is not None]
    if not wanted:
        raise click.UsageError("Say what is to be written: --out-head FILE, --out-tail FILE.")
    if len({path.resolve() for path in (model, *wanted)}) <= len(wanted):
        raise click.UsageError("The network and its two parts are files of their own.")
    for path in wanted:
        check_writable(path)
    file = read_split(model)
    parts = ((out_head, file.head), (out_tail, file.tail))
    for target, data in parts:
        if target is not None:
            write_file(target, data)
    if as_json:
        print_json(_json(file, out_head, out_tail))
    else:
        _show(file, out_head, out_tail)


def read_split(path: Path) -> SplitFile:
    """A split network's file.

    Raises:
        BadInput: it cannot be read.
        BadModel: it is no split network.
        UnsupportedOp: something in it is not known.
    """
    from edgebottle.codegen.naming import MAX_MODEL_NAME, identifier, shortened
    from edgebottle.errors import BadInput, BadModel, UnsupportedOp
    from edgebottle.split.description import SplitFile

    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    try:
        return SplitFile.of_bytes(data, shortened(identifier(path.stem), MAX_MODEL_NAME))
    except (BadModel, UnsupportedOp) as error:
        raise type(error)(f"{path}: {error}") from error


def _rates(file: SplitFile) -> list[dict[str, int]]:
    """Of each rate: channels, and bytes of a frame at most."""
    from edgebottle.split.frames import HEADER_BYTES

    code = file.split.code
    return [
        {
            "rate": rate,
            "channels": code.channels_at(rate),
            "bytes": HEADER_BYTES + code.packed_bytes(rate),
        }
        for rate in range(1, code.rates + 1)
    ]


def _exit(file: SplitFile) -> dict[str, Any] | None:
    """The early exit, if there is one."""
    split = file.split
    if not split.exit:
        return None
    return {
        "output": split.exit,
        "threshold": split.threshold,
        "share": split.exit_share,
        "accuracy": split.exit_accuracy,
    }


def _json(file: SplitFile, head: Path | None, tail: Path | None) -> dict[str, Any]:
    code = file.split.code
    return {
        "model": file.model.hex(),
        "bottleneck": file.split.tensor,
        "shape": [code.height, code.width, code.channels],
        "bits": code.bits,
        "exit": _exit(file),
        "rates": _rates(file),
        "head": None if head is None else {"file": str(head), "bytes": len(file.head)},
        "tail": None if tail is None else {"file": str(tail), "bytes": len(file.tail)},
    }


def _show(file: SplitFile, head: Path | None, tail: Path | None) -> None:
    code = file.split.code
    shape = f"{code.height}x{code.width}x{code.channels}"
    print(f"bottleneck: {file.split.tensor}, {shape} of {code.bits} bits, model {file.model.hex()}")
    for one in _rates(file):
        print(
            f"rate {one['rate']}:     {one['channels']} channels, frames of at most "
            f"{one['bytes']:,} bytes"
        )
    if file.split.exit:
        split = file.split
        tested = f", {split.exit_share:.1%} of test samples" if split.exit_share else ""
        right = f", {split.exit_accuracy:.2%} of these right" if split.exit_share else ""
        print(f"early exit: {split.exit}, confidence from {split.threshold:.3f}{tested}{right}")
    for what, path, data in (("head", head, file.head), ("tail", tail, file.tail)):
        if path is not None:
            print(f"{what}:       {path}, {len(data):,} bytes")
    if head is not None and volume() is not Volume.QUIET:
        print(f"next:       edgebottle build {head} --board ID")
