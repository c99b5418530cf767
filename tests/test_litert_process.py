"""LiteRT in a process of its own: the same answers, and its death is somebody else's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.cli.tables import verification_lines
from edgebottle.errors import BadInput, BadModel, EdgebottleError, ToolMissing, error_named
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Tensor
from edgebottle.litert import LiteRTModel
from edgebottle.litert_process import LiteRTProcess, last_words
from edgebottle.measure import measure
from edgebottle.operating_system import Child
from edgebottle.ops.base import one_node_graph
from edgebottle.ops.softmax import OUTPUT_QUANTS, Softmax
from edgebottle.ops.table import per_tensor
from edgebottle.pipeline import Model, load
from edgebottle.report.terminal import agreement
from edgebottle.samples import edge_cases
from edgebottle.verify import verify_model

GAVE_UP = "LiteRT itself gave up on this network: killed by SIGABRT"


@pytest.fixture
def deadly(tmp_path: Path) -> Model:
    """600 equal values: their exponentials sum to 600, and LiteRT asserts that it is below 512."""
    x = Tensor("x", (1, 600), DType.I8, per_tensor(0.1, 0))
    y = Tensor("y", (1, 600), DType.I8, OUTPUT_QUANTS[DType.I8])
    node = Softmax(name="y", inputs=("x",), outputs=("y",), beta=1.0, dtype=DType.I8)
    path = tmp_path / "deadly.tflite"
    path.write_bytes(write_tflite(one_node_graph("deadly", node, (x, y))))
    return load(str(path))


def test_the_same_values_as_here() -> None:
    model = load("digits")
    here, there = LiteRTModel(model.data), LiteRTProcess(model.data)
    with there:
        for sample in edge_cases(model.graph, 4).inputs:
            np.testing.assert_array_equal(there.run(sample), here.run(sample))
        for node in model.imported.nodes:
            for name in node.outputs:
                np.testing.assert_array_equal(there.tensor(name), here.tensor(name))
        assert there.tensor("no such tensor") is None
        with pytest.raises(BadInput, match="the model has 1 inputs, not 0"):
            there.run(())
        with pytest.raises(BadInput, match="LiteRT refuses an input"):
            there.run((np.zeros(3, np.int8),))


def test_numpy_is_compared_where_litert_aborts(deadly: Model) -> None:
    result = verify_model(deadly, load_board("host"), samples=3)
    assert result.match and result.litert_refusal == GAVE_UP
    head, tail = map(str, verification_lines(result))
    assert head == "match: NumPy = host C, to the last bit, 3 samples"
    assert tail == f"NumPy is the reference, not LiteRT: {GAVE_UP}"
    record = measure(result.built, edge_cases(deadly.graph, 3))
    assert (record.reference, record.litert_refusal) == ("NumPy", GAVE_UP)
    assert agreement(record)[1] == f"3 samples, bit for bit the NumPy reference ({GAVE_UP})"
    assert "LiteRT" not in agreement(replace(record, litert_refusal=""))[1]


@pytest.mark.parametrize("megabytes", [0, 4])
@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("raise MemoryError('no room')", BadModel, "exit code 1: MemoryError: no room"),
        ("print('not a message')", BadModel, "exit code 0"),
    ],
)
def test_every_death_is_told(
    monkeypatch: pytest.MonkeyPatch,
    megabytes: int,
    code: str,
    error: type[EdgebottleError],
    words: str,
) -> None:
    """Also one that leaves most of the model unread in the pipe."""
    import sys

    monkeypatch.setattr(
        *(Child, "python"),
        lambda module, **options: Child([sys.executable, "-c", code], **options),
    )
    with pytest.raises(error, match=f"^LiteRT itself gave up on this network: {words}$"):
        LiteRTProcess(bytes(megabytes << 20))


def test_no_process_for_litert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Child, "python", lambda module, **options: Child(["/no/python"], **options))
    with pytest.raises(ToolMissing, match=r"cannot start a process for LiteRT: .*No such file"):
        LiteRTProcess(b"")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n", ""),
        (
            "INFO: one\nF0000 softmax.h:3]  Check failed: a\n\n",
            "F0000 softmax.h:3] Check failed: a",
        ),
        ("x" * 1000, "x" * 200),
    ],
)
def test_last_words(text: str, words: str) -> None:
    assert last_words(text) == words


@pytest.mark.parametrize(
    ("name", "kind"), [("BadInput", BadInput), ("EdgebottleError", EdgebottleError)]
)
def test_an_error_of_another_process(name: str, kind: type[EdgebottleError]) -> None:
    assert type(error_named(name, "words", otherwise=BadModel)) is kind


@pytest.mark.parametrize("name", ["KeyboardInterrupt", "error_named", "__name__", "NoSuchError"])
def test_an_unknown_error_of_another_process(name: str) -> None:
    error = error_named(name, "words", otherwise=BadModel)
    assert type(error) is BadModel and str(error) == "words"
