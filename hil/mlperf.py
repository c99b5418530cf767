"""MLPerf Tiny's windows and its accuracy, and the lines that its results are read from.

Performance: five windows of at least ten seconds, each with the input loaded anew; their median
counts. TaskAccuracy: each file of the data once. Source: the rules and the runner of MLPerf Tiny.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import BadInput
from edgebottle.files import read_file
from hil.energy_record import MICRO, EnergyRecord
from hil.session import Session

WINDOWS = 5
SECONDS = 10.0
"""Of a window, at least: what a submission must have."""

WARMUPS = 10

MARGIN = 1.02
"""How much longer than asked for a window is planned: not every run takes as long as the first."""

LABELS = "y_labels.csv"
MAX_FILE_BYTES = 1 << 24

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TimedWindow:
    """Runs that were timed together.

    Attributes:
        runs: How many.
        seconds: They took, on the board's clock.
    """

    runs: int
    seconds: float

    @property
    def throughput(self) -> float:
        """Runs a second."""
        return self.runs / self.seconds


@dataclass(frozen=True)
class LabelledFile:
    """A line of ``y_labels.csv``.

    Attributes:
        path: Of the bytes that are sent.
        label: Its class.
        size: Bytes of one input; None for all of the file.
        stride: Bytes from one input of the file to the next.
    """

    path: Path
    label: int
    size: int | None
    stride: int

    def inputs(self, wanted: int) -> list[bytes]:
        """What is sent, one after the other, each of so many bytes; raises ``BadInput``."""
        content = read_file(self.path, MAX_FILE_BYTES)
        length = self.size or len(content)
        starts = range(0, len(content) - length + 1, self.stride or max(1, length))
        found = [content[start : start + length] for start in starts]
        if length != wanted or not found:
            raise BadInput(
                f"{self.path}: an input is of {length:,} bytes, the network's of {wanted:,}"
            )
        return found


def read_labels(folder: Path) -> list[LabelledFile]:
    """The files of a data folder of MLPerf Tiny; raises ``BadInput``."""
    path = folder / LABELS
    lines = read_file(path, MAX_FILE_BYTES).decode(errors="replace").splitlines()
    found = []
    for number, line in enumerate(csv.reader(lines), start=1):
        if not line:
            continue
        try:
            file, _, label, *more = (cell.strip() for cell in line)
            size, stride, *_ = [*(int(cell) for cell in more if cell), 0, 0]
            found.append(LabelledFile(folder / file, int(label), size or None, stride))
        except (ValueError, TypeError) as error:
            raise BadInput(
                f"{path}, line {number}: needed are a file, the number of classes, a class and, of "
                "files that hold several inputs, bytes and stride"
            ) from error
    if not found:
        raise BadInput(f"{path} names no files")
    return found


def performance(
    session: Session, inputs: Sequence[bytes], seconds: float, progress: Progress
) -> list[TimedWindow]:
    """Times the windows.

    Args:
        session: With firmware that serves the task.
        inputs: As the runner sends them; the windows take one after the other.
        seconds: Of each window, at least.
        progress: Told what is being done.

    Raises:
        BoardError: the board failed.
    """
    micros = seconds * 1e6
    runs = max(1, math.ceil(micros * MARGIN / max(1, session.timed(inputs[0], 1, 0).us)))
    found: list[TimedWindow] = []
    while len(found) < WINDOWS:
        progress(f"window {len(found) + 1}, {runs:,} runs", len(found), WINDOWS)
        taken = session.timed(inputs[len(found) % len(inputs)], runs, WARMUPS).us
        if taken >= micros:
            found.append(TimedWindow(runs, taken / 1e6))
        else:
            runs = max(runs + 1, math.ceil(runs * micros * MARGIN / max(1, taken)))
    return found


@dataclass(frozen=True)
class TaskAccuracy:
    """What the results of all files are worth.

    Attributes:
        results: Of each file: the mean of its inputs' results.
        labels: Its class.
    """

    results: Floats
    labels: NDArray[np.int64]

    @property
    def right(self) -> float | None:
        """Share of files whose largest result is that of their class; None of distances."""
        if self.results.shape[1] == 1:
            return None
        return float(np.mean(self.results.argmax(axis=1) == self.labels))

    @property
    def area(self) -> float:
        """Under the receiver operating characteristic: of several classes the mean over them."""
        if self.results.shape[1] <= 2:
            return area_under_curve(self.results[:, -1], self.labels == 1)
        classes = range(self.results.shape[1])
        areas = [area_under_curve(self.results[:, one], self.labels == one) for one in classes]
        return float(np.mean(areas))


def accuracy(
    session: Session, files: Sequence[LabelledFile], size: int, progress: Progress
) -> TaskAccuracy:
    """Runs each file once.

    Args:
        session: With firmware that serves the task.
        files: From ``read_labels``.
        size: Bytes of an input.
        progress: Told what is being done.

    Raises:
        BadInput: a file is of another size.
        BoardError: the board failed.
    """
    rows = []
    for number, file in enumerate(files):
        progress("files", number, len(files))
        values = np.array([session.timed(one, 1, 0).results for one in file.inputs(size)])
        if values.shape[1] > 1:  # cut off after three decimals, they do not add up to one
            values /= np.maximum(values.sum(axis=1, keepdims=True), 1e-9)
        rows.append(values.mean(axis=0))
    return TaskAccuracy(np.array(rows), np.array([file.label for file in files]))


def area_under_curve(scores: Floats, is_positive: NDArray[np.bool_]) -> float:
    """The share of pairs of a positive and a negative one that scores put in the right order.

    A tie counts half. Source: Mann and Whitney, 1947. Not a number where one of both is missing.
    """
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    positive = int(is_positive.sum())
    pairs = positive * (len(scores) - positive)
    if pairs == 0:
        return math.nan
    return float((ranks[is_positive].sum() - positive * (positive + 1) / 2) / pairs)


def performance_lines(windows: Sequence[TimedWindow]) -> Iterator[str]:
    """As the runner prints them, which is what a submission is checked by."""
    for number, window in enumerate(windows, start=1):
        yield f"Performance results for window {number}:"
        yield f"  # Inferences : {window.runs:>13}"
        yield f"  Runtime      : {window.seconds:>10.3f} sec."
        yield f"  Throughput   : {window.throughput:>10.3f} inf./sec."
    yield "-" * 57
    yield f"Median throughput is {median_throughput(windows):>10.3f} inf./sec."
    yield "-" * 57


def median_throughput(windows: Sequence[TimedWindow]) -> float:
    """Runs a second."""
    return statistics.median(window.throughput for window in windows)


def energy_lines(found: EnergyRecord) -> Iterator[str]:
    """As the runner prints them; the windows are as long as each other, but for a run or so."""
    for number, joules in enumerate(found.joules):
        yield f"Energy data for trial {number}"
        yield f"  Elapsed time  : {found.seconds:.3f}"
        yield f"  Inferences    : {found.runs}"
        yield f"  Power         : {1e3 * joules * found.runs / found.seconds:5.4f} mW."
        yield f"  Energy/Inf    : {joules / MICRO:.3f} uJ/inf"
    yield "-" * 57
    yield f"Median energy cost is {found.median_joules / MICRO:5.4f} uJ/inf."
    yield "-" * 57


def accuracy_lines(found: TaskAccuracy) -> Iterator[str]:
    """As the runner prints them."""
    if found.right is not None:
        yield f"Top 1% = {100 * found.right:2.1f}"
    yield f"AUC = {found.area:.3f}"
