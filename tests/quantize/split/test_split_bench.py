"""The bench of split networks, on few samples of Fashion-MNIST."""

from pathlib import Path
from typing import Any

import pytest

from tests.bench import split
from tests.bench.jsonl import lines_of


@pytest.mark.shared
def test_a_split_sends_less_than_pictures(
    keras: Any, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("--data", "fashion", "--seeds", "0", "--samples", "1000", "--epochs", "2")
    split.main([str(tmp_path), *line, "--method", "naive"])
    table = capsys.readouterr().out
    (found,) = (one for one in lines_of(tmp_path / "splits.jsonl") if "rates" in one)
    sizes = [rate["bytes"] for rate in found["rates"]]
    assert sizes == sorted(sizes) and len(sizes) == 4
    assert found["rates"][-1]["accuracy"] > 0.3  # of ten classes
    pictures = [one for one in lines_of(tmp_path / "splits.jsonl") if "rates" not in one]
    assert len(pictures) == len(split.JPEG_QUALITIES) + len(split.WEBP_QUALITIES)
    assert max(sizes) < min(one["bytes"] for one in pictures)
    assert "| naive, 2 bits, 2 epochs | 4 |" in table
    before = len(lines_of(tmp_path / "splits.jsonl"))
    split.main([str(tmp_path), *line, "--method", "naive"])
    assert len(lines_of(tmp_path / "splits.jsonl")) == before  # nothing is made again
