"""The device's half in Python: the head and the whole network in LiteRT on this computer.

For a device that is slower than this computer, each part takes so many times as long as it took
here at its fastest: modelled by waiting, so that a busy computer does not make a busy device.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.litert_process import LiteRTProcess
from edgebottle.split.description import SplitFile
from edgebottle.split.frames import HEADER_BYTES, PACKED, Frame, FrameKind, ImageForm
from edgebottle.split.head import EarlyExit
from edgebottle.split.pictures import QUALITY, encoded, pixels
from edgebottle.split.policy import SplitMode, Way
from edgebottle.split.serving import LiteRTWorker, real_outputs
from edgebottle.split.session import DeviceFeatures, DeviceHalf

T = TypeVar("T")

TIMED_IN_EMULATORS = 4
"""Samples with which the times of an emulated device are found out."""


@dataclass(frozen=True)
class DeviceFacts:
    """What computes on the device, and what it takes; None for what nobody knows.

    Attributes:
        name: For people.
        head_instructions: Of the network's part, exact.
        head_seconds: Of it, modelled.
        local_seconds: Of the whole network, modelled.
        has_local: It can compute the whole network.
        is_emulated: An emulator runs it, which is slow.
    """

    name: str
    head_instructions: int | None = None
    head_seconds: float | None = None
    local_seconds: float | None = None
    has_local: bool = True
    is_emulated: bool = False

    def to_json(self) -> dict[str, Any]:
        """With times in milliseconds, modelled ones."""

        def milliseconds(seconds: float | None) -> float | None:
            return None if seconds is None else 1e3 * seconds

        return {
            "name": self.name,
            "head_instructions": self.head_instructions,
            "head_ms_modelled": milliseconds(self.head_seconds),
            "local_ms_modelled": milliseconds(self.local_seconds),
        }


class DemoDevice(DeviceHalf, Protocol):
    """A device's half that knows what it is."""

    @property
    def facts(self) -> DeviceFacts:
        """What computes."""


class WorkPace:
    """Work that is done here, and takes as long as on the device."""

    def __init__(self, slowdown: float = 1.0, least: Mapping[str, float] | None = None) -> None:
        """Has seen no work yet.

        Args:
            slowdown: How many times slower than this computer the device is, at least 1.
            least: Seconds that work of a name takes there, modelled.
        """
        self._slowdown, self._least = slowdown, dict(least or {})
        self._fastest: dict[str, float] = {}

    def run(self, name: str, work: Callable[[], T]) -> tuple[T, float]:
        """What ``work`` gives, and the seconds that it took with all waiting."""
        start = time.perf_counter()
        found = work()
        took = time.perf_counter() - start
        self._fastest[name] = fastest = min(took, self._fastest.get(name, took))
        due = self._least.get(name, 0.0)
        if self._slowdown > 1:
            due = max(due, fastest * self._slowdown)
        time.sleep(max(0.0, due - took))
        return found, time.perf_counter() - start


class PythonDevice:
    """A ``DemoDevice``; a context manager that ends LiteRT's processes."""

    facts = DeviceFacts("Python")

    def __init__(self, file: SplitFile, slowdown: float = 1.0, quality: int = QUALITY) -> None:
        """Starts LiteRT; raises ``BadModel`` where it refuses the network.

        Args:
            file: The network.
            slowdown: How many times slower than this computer the device is, at least 1.
            quality: Of JPEG and WebP, 1 to 100.
        """
        self._file, self._quality, self._pace = file, quality, WorkPace(slowdown)
        self._exit = EarlyExit.of(file.graph, file.split)
        self._head = LiteRTProcess(file.head, reference=False)
        self._whole = LiteRTProcess(file.data, reference=False)

    def __enter__(self) -> PythonDevice:
        """Returns the device itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends LiteRT."""
        for process in (self._head, self._whole):
            process.__exit__(None, None, None)

    def features(self, image: Array, rate: int) -> DeviceFeatures:
        """See ``DeviceHalf``."""
        split = self._file.split
        outputs, head = self._pace.run("head", lambda: self._head.run([image]))
        if self._exit is not None and self._exit.answer(outputs[1]) is not None:
            values = real_outputs(self._file.graph, (split.exit,), outputs[1:2])
            return DeviceFeatures(b"", False, head, 0.0, values)
        (payload, is_packed), encode = self._pace.run(
            f"encode {rate}", lambda: split.code.encode(split.levels(outputs[0]), rate)
        )
        return DeviceFeatures(payload, is_packed, head, encode)

    def picture(self, image: Array, form: ImageForm) -> bytes:
        """See ``DeviceHalf``."""
        return self._pace.run(form.name, lambda: encoded(pixels(image), form, self._quality))[0]

    def local(self, image: Array) -> Array:
        """See ``DeviceHalf``."""
        outputs, _ = self._pace.run("local", lambda: self._whole.run([image]))
        return answer_values(self._file, outputs)


def answer_values(file: SplitFile, outputs: Sequence[Array]) -> Array:
    """What the whole network answers, float32, of its stored outputs; its exit is left out."""
    graph, exit_name = file.graph, file.split.exit
    kept = [
        (name, one) for name, one in zip(graph.outputs, outputs, strict=True) if name != exit_name
    ]
    return real_outputs(graph, [name for name, _ in kept], [one for _, one in kept])


def tried_ways(
    file: SplitFile,
    device: DemoDevice,
    worker: LiteRTWorker,
    images: Sequence[Array],
    labels: Sequence[int] | None,
    forms: Sequence[ImageForm],
    is_stopped: Callable[[], bool] = lambda: False,
) -> tuple[Way, ...]:
    """Every way to an answer, with what it took for some samples, and how often it was right.

    Args:
        file: The network.
        device: Its half of it.
        worker: The server's half, on this computer.
        images: Inputs, each with its batch.
        labels: Their classes; None: right is what the whole network says.
        forms: Of pictures.
        is_stopped: Asked before each try; if so, nothing is tried any more.
    """
    ways: list[tuple[str, SplitMode, int, ImageForm | None]] = []
    if device.facts.has_local:
        ways.append(("local", SplitMode.LOCAL, 0, None))
    ways += [(form.name.lower(), SplitMode.OFFLOAD, 0, form) for form in forms]
    rates = range(1, file.split.code.rates + 1)
    ways += [(f"split {rate}", SplitMode.SPLIT, rate, None) for rate in rates]
    expected = labels or [whole_class(file, worker, image) for image in images]
    timed = TIMED_IN_EMULATORS if device.facts.is_emulated else len(images)
    found = []
    with ExitStack() as opened:
        # The answers are the same, so that the slow one is only there for the times.
        quick = device
        if timed < len(images):
            quick = opened.enter_context(PythonDevice(file))
        for name, mode, rate, form in ways:
            tries: list[_WayTry] = []
            for number, image in enumerate(images):
                if is_stopped():
                    return ()
                by = device if number < timed or form is not None else quick
                tries.append(_try(file, by, worker, image, mode, rate, form))
            found.append(_way(name, mode, rate, form, tries, expected, timed))
    return tuple(found)


def _way(
    name: str,
    mode: SplitMode,
    rate: int,
    form: ImageForm | None,
    tries: Sequence[_WayTry],
    expected: Sequence[int],
    timed: int,
) -> Way:
    """Of what was tried; the times of the first ``timed`` are the device's."""
    right = [int(one.values.argmax()) == label for one, label in zip(tries, expected, strict=True)]
    return Way(
        name,
        mode,
        float(np.median([one.device for one in tries[:timed]])),
        float(np.mean([one.sent for one in tries])),
        float(np.median([one.server for one in tries])),
        sum(right) / len(right),
        rate,
        form,
    )


def whole_class(file: SplitFile, worker: LiteRTWorker, image: Array) -> int:
    """The class that the whole network says of an input as it is."""
    form = ImageForm.RAW
    frame = Frame(FrameKind.IMAGE, file.model, 0, image.tobytes(), 0, form)
    return int(np.frombuffer(worker.answer(frame), "<f4").argmax())


@dataclass(frozen=True)
class _WayTry:
    """One sample on one way: the answer, seconds, and bytes of the frame."""

    values: Array
    device: float
    sent: int = 0
    server: float = 0.0


def _try(
    file: SplitFile,
    device: DemoDevice,
    worker: LiteRTWorker,
    image: Array,
    mode: SplitMode,
    rate: int,
    form: ImageForm | None,
) -> _WayTry:
    start = time.perf_counter()
    if mode is SplitMode.LOCAL:
        values = device.local(image)
        return _WayTry(values, time.perf_counter() - start)
    if form is not None:
        frame = Frame(FrameKind.IMAGE, file.model, 0, device.picture(image, form), 0, form)
    else:
        found = device.features(image, rate)
        if found.exit is not None:
            return _WayTry(found.exit, time.perf_counter() - start)
        flags = PACKED if found.is_packed else 0
        frame = Frame(FrameKind.FEATURES, file.model, 0, found.payload, rate, flags)
    middle = time.perf_counter()
    answer = np.frombuffer(worker.answer(frame), "<f4")
    sent = HEADER_BYTES + len(frame.payload)
    return _WayTry(answer, middle - start, sent, time.perf_counter() - middle)
