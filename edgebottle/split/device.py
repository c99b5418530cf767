"""The device's half in Python: the head and the whole network in LiteRT on this computer.

For a device that is slower than this computer, each part takes so many times as long as it took
here at its fastest: modelled by waiting, so that a busy computer does not make a busy device.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.litert_process import LiteRTProcess
from edgebottle.split.description import SplitFile
from edgebottle.split.frames import HEADER_BYTES, PACKED, Frame, FrameKind, ImageForm
from edgebottle.split.pictures import QUALITY, encoded, pixels
from edgebottle.split.policy import SplitMode, Way
from edgebottle.split.serving import LiteRTWorker, real_outputs
from edgebottle.split.session import DeviceFeatures

T = TypeVar("T")


class PythonDevice:
    """A ``DeviceHalf``; a context manager that ends LiteRT's processes."""

    def __init__(self, file: SplitFile, slowdown: float = 1.0, quality: int = QUALITY) -> None:
        """Starts LiteRT; raises ``BadModel`` where it refuses the network.

        Args:
            file: The network.
            slowdown: How many times slower than this computer the device is, at least 1.
            quality: Of JPEG and WebP, 1 to 100.
        """
        self._file, self._slowdown, self._quality = file, slowdown, quality
        self._fastest: dict[str, float] = {}
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
        outputs, head = self._slowly("head", lambda: self._head.run([image]))
        if split.exit:
            values = real_outputs(self._file.graph, (split.exit,), outputs[1:2])
            if values.max() >= split.threshold:
                return DeviceFeatures(b"", False, head, 0.0, values)
        (payload, is_packed), encode = self._slowly(
            f"encode {rate}", lambda: split.code.encode(split.levels(outputs[0]), rate)
        )
        return DeviceFeatures(payload, is_packed, head, encode)

    def picture(self, image: Array, form: ImageForm) -> bytes:
        """See ``DeviceHalf``."""
        return self._slowly(form.name, lambda: encoded(pixels(image), form, self._quality))[0]

    def local(self, image: Array) -> Array:
        """See ``DeviceHalf``."""
        graph, exit_name = self._file.graph, self._file.split.exit
        outputs, _ = self._slowly("local", lambda: self._whole.run([image]))
        kept = [
            (name, one)
            for name, one in zip(graph.outputs, outputs, strict=True)
            if name != exit_name
        ]
        return real_outputs(graph, [name for name, _ in kept], [one for _, one in kept])

    def _slowly(self, name: str, work: Callable[[], T]) -> tuple[T, float]:
        """What ``work`` gives, and the seconds that the device takes for it."""
        start = time.perf_counter()
        found = work()
        took = time.perf_counter() - start
        self._fastest[name] = fastest = min(took, self._fastest.get(name, took))
        if self._slowdown > 1:
            time.sleep(max(0.0, fastest * self._slowdown - took))
        return found, time.perf_counter() - start


def tried_ways(
    file: SplitFile,
    device: PythonDevice,
    worker: LiteRTWorker,
    images: Sequence[Array],
    labels: Sequence[int] | None,
    forms: Sequence[ImageForm],
) -> tuple[Way, ...]:
    """Every way to an answer, with what it took for some samples, and how often it was right.

    Args:
        file: The network.
        device: Its half of it.
        worker: The server's half, on this computer.
        images: Inputs, each with its batch.
        labels: Their classes; None: right is what the whole network says.
        forms: Of pictures.
    """
    ways: list[tuple[str, SplitMode, int, ImageForm | None]] = [("local", SplitMode.LOCAL, 0, None)]
    ways += [(form.name.lower(), SplitMode.OFFLOAD, 0, form) for form in forms]
    rates = range(1, file.split.code.rates + 1)
    ways += [(f"split {rate}", SplitMode.SPLIT, rate, None) for rate in rates]
    expected = labels or [int(device.local(image).argmax()) for image in images]
    found = []
    for name, mode, rate, form in ways:
        tries = [_try(file, device, worker, image, mode, rate, form) for image in images]
        right = sum(
            int(one.values.argmax()) == label for one, label in zip(tries, expected, strict=True)
        )
        found.append(
            Way(
                name,
                mode,
                float(np.median([one.device for one in tries])),
                float(np.mean([one.sent for one in tries])),
                float(np.median([one.server for one in tries])),
                right / len(images),
                rate,
                form,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class _WayTry:
    """One sample on one way: the answer, seconds, and bytes of the frame."""

    values: Array
    device: float
    sent: int = 0
    server: float = 0.0


def _try(
    file: SplitFile,
    device: PythonDevice,
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
