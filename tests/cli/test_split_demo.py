"""``edgebottle split demo`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.command_line import edgebottle
from tests.split.split_networks import samples, untrained_split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.tflite").write_bytes(untrained_split().data)
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
]


@pytest.mark.parametrize(("words", "code", "said"), MISTAKES)
def test_mistakes_are_said(folder: Path, words: str, code: int, said: str) -> None:
    done = edgebottle("split", "demo", *words.split(), cwd=folder)
    assert (done.code, said in done.err) == (code, True), done.err
    assert "Traceback" not in done.err
