"""``edgebottle split`` as a user has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgebottle.exporters.tflite import write_tflite
from edgebottle.split.description import SplitFile
from tests.cli.command_line import edgebottle
from tests.split.split_networks import untrained_split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = untrained_split()
    (tmp_path / "split.tflite").write_bytes(file.data)
    (tmp_path / "plain.tflite").write_bytes(write_tflite(file.graph))
    (tmp_path / "head.tflite").write_bytes(file.head)
    return tmp_path


def test_cut_writes_both_parts(folder: Path) -> None:
    file = SplitFile.of_bytes(untrained_split().data, "split")
    parts = ("--out-head", "h.tflite", "--out-tail", "t.tflite")
    done = edgebottle("split", "cut", "split.tflite", *parts, "--json", cwd=folder)
    assert done.code == 0, done.err
    assert (folder / "h.tflite").read_bytes() == file.head
    assert (folder / "t.tflite").read_bytes() == file.tail
    said = json.loads(done.out)
    assert said["model"] == file.model.hex()
    assert [one["channels"] for one in said["rates"]] == [1, 3, 6]
    assert said["rates"][-1]["bytes"] == 20 + 12 * 12 * 6 * 2 // 8


def test_cut_of_the_head_alone_says_what_comes_next(folder: Path) -> None:
    done = edgebottle("split", "cut", "split.tflite", "--out-head", "h.tflite", cwd=folder)
    assert done.code == 0, done.err
    assert "edgebottle build h.tflite" in done.out
    assert "tail" not in done.out


REFUSED = [
    (("plain.tflite", "--out-head", "x.tflite"), 1, "plain.tflite: the network is not split"),
    (("head.tflite", "--out-head", "x.tflite"), 1, "head.tflite: this is the head of a split"),
    (("absent.tflite", "--out-head", "x.tflite"), 1, "cannot read absent.tflite"),
    (("split.tflite",), 2, "Say what is to be written"),
    (("split.tflite", "--out-head", "split.tflite"), 2, "files of their own"),
    (("split.tflite", "--out-head", "x", "--out-tail", "x"), 2, "files of their own"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED, ids=[r[2] for r in REFUSED])
def test_what_cannot_be_cut_is_one_line(
    words: tuple[str, ...], code: int, message: str, folder: Path
) -> None:
    done = edgebottle("split", "cut", *words, cwd=folder)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (folder / "x.tflite").exists()
