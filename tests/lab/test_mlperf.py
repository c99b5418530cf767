"""`edgebottle bench mlperf`: windows and accuracy of a task, as the benchmark's rules want them."""

import itertools
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgebottle import zoo
from edgebottle.boards import load_board
from edgebottle.codegen.task import TASKS, find_task, input_bytes
from edgebottle.drivers import open_session
from edgebottle.errors import BadInput, BadModel, DoesNotFit
from edgebottle.fit import Wish
from edgebottle.ir.interpreter import Interpreter
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from hil.answers import InferResult
from hil.mlperf import (
    LABELS,
    WARMUPS,
    WINDOWS,
    accuracy,
    area_under_curve,
    performance,
    read_labels,
)
from quantize.post.affine import dequantized
from tests.cli.command_line import edgebottle

MLPERF = Path(__file__).resolve().parents[3] / "shared/data/models/mlperf-tiny"
MODELS = {
    "ad01": "ad01_int8",
    "ic01": "pretrainedResnet_quant",
    "kws01": "kws_ref_model",
    "vww01": "vww_96_int8",
}


def silent(what: str, done: int, total: int) -> None:
    """Tells nothing."""


@pytest.mark.shared
@pytest.mark.parametrize("name", TASKS)
def test_what_the_runner_sends_and_hears_is_what_numpy_computes(name: str) -> None:
    path = MLPERF / f"{MODELS[name]}.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    model, task = load(str(path)), find_task(name)
    port, output = (
        model.graph.tensors[one[0]] for one in (model.graph.inputs, model.graph.outputs)
    )
    random, size = np.random.default_rng(1), input_bytes(task, model.graph)
    if task.is_distance:
        assert port.quant is not None
        sent = random.normal(-10, 6, size // 4).astype("<f4")
        levels = sent / np.float32(port.quant.scale[0])
        away = np.trunc(levels + np.copysign(np.float32(0.5), levels))
        stored = np.clip(away + port.quant.zero_point[0], -128, 127).astype(np.int8)
    else:
        sent = random.integers(0, 256, size, dtype=np.uint8)
        stored = (sent ^ (0x80 if name in ("ic01", "vww01") else 0)).view(np.int8)
    (raw,) = Interpreter(model.imported).run((stored.reshape(port.shape),))
    real = dequantized(raw, output.quant).ravel()
    expected = [np.mean((real - sent) ** 2)] if task.is_distance else real
    with open_session(build(model, load_board("host"), task=task)) as session:
        assert session.timed(sent.tobytes(), 2, 1).results == pytest.approx(
            expected, abs=0.0011, rel=1e-4
        )


class PretendedBoard:
    """Takes so many microseconds for a run, and says what it was asked."""

    def __init__(
        self, micros: Callable[[int], int], results: tuple[float, ...] = (0.0, 1.0)
    ) -> None:
        self.micros, self.results = micros, results
        self.asked: list[tuple[bytes, int, int]] = []

    def timed(self, data: bytes, runs: int, warmups: int) -> InferResult:
        self.asked.append((data, runs, warmups))
        return InferResult(self.micros(runs), self.results)


@pytest.mark.parametrize(
    "micros",
    [lambda runs: 700 * runs, lambda runs: 500_000 + runs, lambda runs: 20_000_000 * runs],
    ids=["like a chip", "faster and faster", "longer than a window"],
)
def test_windows_are_five_and_long_enough(micros: Callable[[int], int]) -> None:
    board = PretendedBoard(micros)
    windows = performance(board, [b"a", b"b"], 1.0, silent)  # type: ignore[arg-type]
    assert len(windows) == WINDOWS
    for window in windows:
        assert window.seconds >= 1.0 and window.seconds == micros(window.runs) / 1e6
    assert board.asked[0][1:] == (1, 0)
    assert all(warmups == WARMUPS for _, _, warmups in board.asked[1:])
    counted = [data for data, runs, _ in board.asked[1:] if micros(runs) >= 1_000_000]
    assert counted == [b"a", b"b", b"a", b"b", b"a"]


@pytest.mark.parametrize("seed", range(4))
def test_the_area_is_the_share_of_pairs_in_the_right_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, positive = random.integers(0, 6, 30).astype(float), random.random(30) < 0.4
    pairs = itertools.product(scores[positive], scores[~positive])
    expected = np.mean([(one > other) + (one == other) / 2 for one, other in pairs])
    assert area_under_curve(scores, positive) == pytest.approx(expected)


def test_the_area_of_one_class_alone_is_no_number() -> None:
    assert math.isnan(area_under_curve(np.arange(3.0), np.ones(3, bool)))


def test_files_of_several_inputs_count_once(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(12)))
    (tmp_path / LABELS).write_text("a.bin, 2, 1, 4, 2\n\na.bin,2,0,4,8\n")
    files = read_labels(tmp_path)
    assert [list(one) for one in files[0].inputs(4)] == [
        list(range(at, at + 4)) for at in (0, 2, 4, 6, 8)
    ]
    assert len(files[1].inputs(4)) == 2
    board = PretendedBoard(lambda runs: 1, (1.0, 3.0))
    found = accuracy(board, files, 4, silent)  # type: ignore[arg-type]
    assert len(board.asked) == 7 and found.results.tolist() == [[0.25, 0.75]] * 2
    assert found.right == 0.5 and found.area == 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no files"),
        ("a.bin\n", "line 1: needed are a file"),
        ("a.bin,2,0\nb.bin,2,one\n", "line 2: needed are a file"),
    ],
)
def test_a_broken_list_of_files_is_one_message(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / LABELS).write_text(text)
    with pytest.raises(BadInput, match=says):
        read_labels(tmp_path)


def test_an_input_of_another_size_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(10))
    (tmp_path / LABELS).write_text("a.bin,2,0\n")
    with pytest.raises(BadInput, match=r"an input is of 10 bytes, the network's of 64"):
        read_labels(tmp_path)[0].inputs(64)


@pytest.mark.parametrize(
    ("task", "board", "wish", "error", "says"),
    [
        ("ad01", "host", Wish(), BadModel, "of 10 and 64 values"),
        ("kws01", "stm32f746", Wish(Schedule.MIN_RAM, row_fed=True), DoesNotFit, "--input rows"),
    ],
)
def test_what_cannot_serve_a_task_says_why(
    task: str, board: str, wish: Wish, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        build(load(str(zoo.load())), load_board(board), wish=wish, task=find_task(task))


def test_the_command_prints_what_a_submission_is_checked_by(tmp_path: Path) -> None:
    images, labels = zoo.load_samples()
    for number in range(12):
        pixels = (images[5 * number].view(np.uint8) ^ 0x80).tobytes()
        (tmp_path / f"{number}.bin").write_bytes(pixels)
    lines = (f"{number}.bin,10,{labels[5 * number]}" for number in range(12))
    (tmp_path / LABELS).write_text("\n".join(lines))
    ask = ("bench", "mlperf", "digits", "--task", "ic01", "-b", "host", "--data", str(tmp_path))
    done = edgebottle(*ask, "--seconds", "0.01", cwd=tmp_path)
    assert done.code == 0, done.err
    assert len(re.findall(r"ulp-mlperf: Performance results for window \d:", done.out)) == WINDOWS
    assert re.search(r".* Median throughput is\s+([\d.]+) inf\./sec\.", done.out)
    assert "at least 10 s" in done.err
    found = edgebottle(*ask, "--mode", "accuracy", "--json", cwd=tmp_path).json()
    assert found["right"] == 1.0 and found["files"] == 12


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--task", "kws02"), 2, "'kws02' is not one of"),
        (("--task", "kws01", "--mode", "accuracy"), 2, "give it with --data"),
        (("--task", "kws01", "--data", "nowhere"), 1, "y_labels.csv"),
        # before digits are found to be of no use for it
        (("--task", "ad01", "--mode", "energy", "-b", "nucleo_l4r5zi"), 1, "nothing measures"),
    ],
)
def test_bad_requests_are_one_message(
    tmp_path: Path, more: tuple[str, ...], code: int, says: str
) -> None:
    done = edgebottle("bench", "mlperf", "digits", "-b", "host", *more, cwd=tmp_path)
    assert done.code == code and says in done.err and "Traceback" not in done.err
