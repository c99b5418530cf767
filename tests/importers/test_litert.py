"""LiteRT behind one class: quiet, with its refusals as errors of ours."""

import numpy as np
import pytest

from edgebottle.errors import BadInput, BadModel
from edgebottle.exporters.tflite import write_tflite
from edgebottle.litert import LiteRTModel
from edgebottle.ops import BY_NAME
from tests.importers.models import conv_model, pack, spoiled
from tests.samples import samples

X = np.ones((1, 4, 4, 2), np.int8)


@pytest.mark.parametrize("reference", [True, False])
def test_runs_without_a_word(reference, capfd):
    model = LiteRTModel(pack(conv_model()), reference)
    (result,) = model.run([X])
    assert result.shape == (1, 4, 4, 3)
    np.testing.assert_array_equal(model.tensor(3), result)
    np.testing.assert_array_equal(model.tensor("serving_default_x:0"), X)
    assert model.tensor("no such tensor") is None
    assert capfd.readouterr() == ("", "")


def test_results_are_copies():
    model = LiteRTModel(pack(conv_model()))
    (first,) = model.run([X])
    kept = first.copy()
    model.run([-X])
    np.testing.assert_array_equal(first, kept)


def test_refusals_are_one_line():
    def no_such_version(model, _):
        model.operatorCodes[0].version = 99

    with pytest.raises(BadModel, match="LiteRT refuses the model: Didn't find op") as caught:
        LiteRTModel(spoiled(no_such_version))
    assert "\n" not in str(caught.value)
    with pytest.raises(BadModel, match="truncated"):
        LiteRTModel(b"TFL3")


@pytest.mark.parametrize("inputs", [[], [X, X], [X[:, 1:]], [X.astype(np.float32)]])
def test_wrong_inputs_are_named(inputs):
    with pytest.raises(BadInput):
        LiteRTModel(pack(conv_model())).run(inputs)


def test_state_survives_from_run_to_run():
    graph = next(graph for graph in BY_NAME["SVDF"].cases())
    model = LiteRTModel(write_tflite(graph))
    x = samples(graph)[3][1]
    assert any(not np.array_equal(*pair) for pair in zip(model.run(x), model.run(x), strict=True))
