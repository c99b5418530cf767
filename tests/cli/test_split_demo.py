"""``edgebottle split demo`` as a user runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgebottle.litert import LiteRTModel
from edgebottle.split.head import EarlyExit
from tests.cli.command_line import edgebottle
from tests.conftest import long
from tests.split.split_networks import samples, untrained_exit, untrained_split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.tflite").write_bytes(untrained_split().data)
    (tmp_path / "exit.tflite").write_bytes(untrained_exit().data)
    images = samples(6).astype(np.int16) + 128
    np.savez(tmp_path / "six.npz", x=images.astype(np.uint8), y=np.arange(6) % 5)
    (tmp_path / "trace").write_text("0s 1M\n1s fast\n")
    return tmp_path


def test_figures_of_a_run(folder: Path) -> None:
    words = "split demo small.tflite --data six.npz --rate 5M --delay 1ms --slowdown 1 --json"
    only = ("--requests", "8", "--period", "1ms", "--only", "split 2", "--deadline", "60s")
    found = edgebottle(*words.split(), *only, cwd=folder).json()
    assert found["requests"] == 8
    assert found["chosen"] == {"split 2": 8}
    assert found["answered_by"] == {"server": 8}
    assert (found["late"], found["fallbacks"]) == (0, 0)
    (way,) = found["ways"]
    assert (way["name"], way["rate"]) == ("split 2", 2)
    assert 8 * 20 < found["sent_bytes"] < 8 * 60
    assert found["received_bytes"] == 8 * (20 + 4 * 5)
    assert found["phases_ms"]["link"] > 2  # there and back
    assert found["phases_ms"]["local"] == 0
    assert found["phases_ms"]["capture"] == 0
    assert found["device"]["name"] == "Python"


BOARDS = [
    ("host", "", "C on this computer", False, False),
    ("stm32f746", "", "virtual stm32f746", True, True),
    long("raspberry_pi_4", "qemu-aarch64", "raspberry_pi_4 under qemu-aarch64", True, False),
]


@pytest.mark.parametrize(
    ("board", "emulator", "name", "counts", "models"),
    BOARDS,
    ids=["host", "stm32f746", "raspberry_pi_4"],
)
def test_head_runs_on_a_board(
    folder: Path, board: str, emulator: str, name: str, counts: bool, models: bool
) -> None:
    """What exits and what is sent is the same on every board."""
    if emulator and shutil.which(emulator) is None:
        pytest.skip(f"{emulator} is not installed (package qemu-user)")
    words = f"split demo exit.tflite --data six.npz --board {board} --slowdown 1 --rate 5M --json"
    more = ("--requests", "6", "--period", "1ms", "--only", "split 2", "--deadline", "99s")
    found = edgebottle(*words.split(), *more, cwd=folder).json()
    split = untrained_exit().split
    known = EarlyExit.of(untrained_exit().graph, split)
    assert known is not None
    head = LiteRTModel(untrained_exit().head)
    outputs = [head.run([image[None]]) for image in samples(6)]
    sure = [known.answer(each[1]) is not None for each in outputs]
    assert 0 < sum(sure) < 6
    assert found["answered_by"] == {"exit": sum(sure), "server": 6 - sum(sure)}
    payloads = [split.code.encode(split.levels(each[0]), 2)[0] for each in outputs]
    sent = [20 + len(one) for one, is_sure in zip(payloads, sure, strict=True) if not is_sure]
    assert found["sent_bytes"] == sum(sent)
    device = found["device"]
    assert device["name"] == name
    assert (device["head_instructions"] is not None) == counts
    assert (device["head_ms_modelled"] is not None) == models
    for phase in ("capture", "head", "encode", "link"):
        assert found["phases_ms"][phase] > 0
    if models:
        assert found["phases_ms"]["head"] >= device["head_ms_modelled"]


MISTAKES = [
    ("gone.tflite", 1, "cannot read gone.tflite"),
    ("six.npz", 1, "six.npz: "),
    ("small.tflite --rate fast", 2, "'fast' is no rate such as 250k"),
    ("small.tflite --rate 0", 2, "--rate 0 is no link"),
    ("small.tflite --delay 40", 2, "'40' is no time such as 40ms"),
    ("small.tflite --loss 2", 2, "'2' is no share such as 2%"),
    ("small.tflite --trace trace", 1, "trace, line 2: 'fast' is no rate"),
    ("small.tflite --trace trace --rate 1M", 2, "leave --rate out"),
    ("small.tflite --trace gone", 1, "cannot read gone"),
    (
        "small.tflite --only split",
        2,
        "no way 'split'; there are local, jpeg, webp, split 1",
    ),
    ("small.tflite --data gone.npz", 1, "cannot read gone.npz"),
    ("small.tflite --board toaster", 1, "toaster"),
]


@pytest.mark.parametrize(("words", "code", "said"), MISTAKES)
def test_mistakes_are_said(folder: Path, words: str, code: int, said: str) -> None:
    done = edgebottle("split", "demo", *words.split(), cwd=folder)
    assert (done.code, said in done.err) == (code, True), done.err
    assert "Traceback" not in done.err
