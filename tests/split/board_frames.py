"""The frames of one head, from Python and from every kind of board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edgebottle.boards import load_board
from edgebottle.build.host import build_host
from edgebottle.drivers import open_session
from edgebottle.ir.graph import Array
from edgebottle.litert import LiteRTModel
from edgebottle.pipeline import Model, build, load
from edgebottle.split.description import SplitFile
from edgebottle.split.head_board import HeadBoard, head_of


@dataclass(frozen=True)
class FrameMaker:
    """What makes frames.

    Attributes:
        name: As it is shown.
        board: Of edgebottle.
        emulator: Program that has to be installed; "" for none.
        sanitized: With AddressSanitizer and UBSan.
    """

    name: str
    board: str
    emulator: str = ""
    sanitized: bool = False


MAKERS = (
    FrameMaker("x86 C, sanitized", "host", sanitized=True),
    FrameMaker("qemu-aarch64", "raspberry_pi_4", "qemu-aarch64"),
    FrameMaker("qemu-arm", "raspberry_pi_os_armv7", "qemu-arm"),
    FrameMaker("virtual Cortex-M4", "nucleo_l476rg"),
)


def head_model(file: SplitFile, folder: Path) -> Model:
    """The head of a split network, as a user has it."""
    path = folder / f"{file.graph.name}.tflite"
    path.write_bytes(file.head)
    return load(str(path))


def rate_of(number: int, model: Model) -> int:
    """Of this sample: all rates come in turn."""
    return 1 + number % head_of(model).split.code.rates


def python_frames(model: Model, images: Array) -> Iterator[tuple[bytes, int | None]]:
    """Frame and early exit of each image, from LiteRT and Python."""
    head, runner = head_of(model), LiteRTModel(model.data)
    for number, image in enumerate(images):
        outputs = runner.run([image[None]])
        yield head.frame(outputs, rate_of(number, model), number), head.exit_class(outputs)


def made_frames(
    maker: FrameMaker, model: Model, images: Array
) -> Iterator[tuple[bytes, int | None]]:
    """The same from a board."""
    built = build(model, load_board(maker.board))
    if maker.sanitized:
        built = replace(built, elf=build_host(built.folder, sanitize=True).elf)
    with open_session(built) as session:
        device = HeadBoard(built, session)
        for number, image in enumerate(images):
            run = device.run([image[None]], rate_of(number, model), number)
            yield run.frame, run.exit
