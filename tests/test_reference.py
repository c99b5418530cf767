"""LiteRT's outputs: computed once, kept whole, and NumPy's where it cannot run the file."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from edgebottle import reference
from edgebottle.boards import load_board
from edgebottle.errors import BadModel, Mismatch
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.measure import measure
from edgebottle.pipeline import build, load
from edgebottle.reference import litert_name, litert_reference
from edgebottle.samples import edge_cases


def said(what: str, done: int, total: int) -> None:
    """No progress."""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An empty cache; how often LiteRT is started."""
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path))
    started: list[int] = []

    def counted(data: bytes) -> nullcontext[LiteRTModel]:
        started.append(len(data))
        return nullcontext(LiteRTModel(data))  # here, where its start costs nothing

    monkeypatch.setattr(reference, "LiteRTProcess", counted)
    return started


def test_computed_once_for_model_samples_and_versions(
    runs: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("digits")
    samples = edge_cases(model.graph, 4)
    first = litert_reference(model, samples, 1, said)
    expected = [Interpreter(model.imported).run(sample)[0] for sample in samples.inputs]
    np.testing.assert_array_equal([outputs[0] for outputs in first.outputs], expected)
    assert first.name == litert_name() and len(runs) == 1
    again = litert_reference(model, samples, 1, said)
    np.testing.assert_array_equal(again.outputs, first.outputs)
    assert len(runs) == 1
    (path,) = (tmp_path / "litert").iterdir()  # no temporary file is left
    content = path.read_bytes()
    for broken in (b"", content[:-40], b"PK" + content[2:60]):
        path.write_bytes(broken)
        litert_reference(model, samples, 1, said)
    assert len(runs) == 4 and len(path.read_bytes()) == len(content)
    litert_reference(model, edge_cases(model.graph, 4, seed=1), 1, said)
    litert_reference(model, samples, 2, said)
    monkeypatch.setattr(reference, "litert_name", lambda: "LiteRT 0")
    litert_reference(model, samples, 1, said)
    assert len(runs) == 7


def test_measure_names_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("digits")
    built = build(model, load_board("host"))
    samples = edge_cases(model.graph, 2)
    assert measure(built, samples).reference == litert_name()

    def wrong(*words: object, **more: object) -> reference.Reference:
        right = litert_reference(model, samples, 1, said)
        return reference.Reference(right.name, tuple((o[0] ^ 1,) for o in right.outputs))

    monkeypatch.setattr("edgebottle.measure.litert_reference", wrong)
    with pytest.raises(Mismatch, match="differs on sample 0"):
        measure(built, samples)

    def refused(*words: object, **more: object) -> reference.Reference:
        raise BadModel("LiteRT refuses the model")

    monkeypatch.setattr("edgebottle.measure.litert_reference", refused)
    assert measure(built, samples).reference == "NumPy"
