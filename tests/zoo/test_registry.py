"""The networks that ship: present, small, int8 throughout, as accurate as the registry says."""

from pathlib import Path

import numpy as np
import pytest

from edgebottle import zoo
from edgebottle.detection.metadata import boxes_of
from edgebottle.detection.precision import mean_precision
from edgebottle.errors import BadInput
from edgebottle.importers.tflite import load_tflite
from edgebottle.training import layer_widths
from edgebottle.zoo import blood_cells, spoken_digits
from edgebottle.zoo.detection import litert_precisions
from edgebottle.zoo.training import accuracy, int8_inputs, open_model

TRAIN = Path(__file__).resolve().parents[3] / "shared/data/train"
FASHION_TEST, FSDD, BCCD = TRAIN / "fashion-mnist/test.npz", TRAIN / "fsdd", TRAIN / "bccd"

# Every tenth test image: the file is sorted by class, so that the first 1000 are one class.
FASHION_EVERY_TENTH = 0.923

SUPPORTED = {
    "ADD",
    "AVERAGE_POOL_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "MEAN",
    "PAD",
    "RESHAPE",
    "SOFTMAX",
}

each_network = pytest.mark.parametrize("name", zoo.NETWORKS)


def test_all_files_together_are_at_most_300_kb():
    folder = zoo.load().parent
    files = [*folder.glob("*.tflite"), *folder.glob("*.npz")]
    shipped = {n.file for n in zoo.NETWORKS.values()} | {
        n.samples for n in zoo.NETWORKS.values() if n.samples
    }
    assert {file.name for file in files} == shipped
    assert sum(file.stat().st_size for file in files) <= 300_000


@each_network
def test_network_is_int8_static_and_of_supported_operators(name):
    interpreter = open_model(zoo.load(name))
    operators = {op["op_name"] for op in interpreter._get_ops_details()}
    assert operators <= SUPPORTED
    for tensor in interpreter.get_tensor_details():
        assert tensor["dtype"] in (np.int8, np.int32), tensor["name"]
        assert -1 not in tensor["shape_signature"], tensor["name"]
    for port in interpreter.get_input_details() + interpreter.get_output_details():
        assert port["dtype"] == np.int8
        assert port["shape"][0] == 1


@each_network
def test_registry_describes_the_ports(name):
    interpreter, network = open_model(zoo.load(name)), zoo.find(name)
    for details, text in (
        (interpreter.get_input_details()[0], network.input),
        (interpreter.get_output_details()[0], network.output),
    ):
        scale, zero_point = details["quantization"]
        assert text.startswith("x".join(map(str, details["shape"])) + " int8")
        assert f"scale 1/{round(1 / scale)}, zero point {zero_point}" in text


@each_network
def test_recorded_accuracy_lies_within_its_spread(name):
    network = zoo.find(name)
    assert network.spread.low <= network.accuracy <= network.spread.high
    assert network.spread.seeds >= 1


@pytest.mark.parametrize("name", [n.name for n in zoo.NETWORKS.values() if n.samples])
def test_samples_score_as_recorded(name):
    inputs, labels = zoo.load_samples(name)
    interpreter = open_model(zoo.load(name))
    assert inputs.dtype == np.int8
    assert inputs.shape[1:] == tuple(interpreter.get_input_details()[0]["shape"][1:])
    assert accuracy(interpreter, inputs, labels) == zoo.find(name).samples_accuracy


def test_samples_hold_every_digit_equally_often():
    _, labels = zoo.load_samples("digits")
    assert np.bincount(labels).tolist() == [6] * 10


@pytest.mark.parametrize("name", ["digits", "digits_w2a2"])
def test_digits_score_as_recorded_on_the_whole_test_set(name):
    pytest.importorskip("sklearn", reason="scikit-learn (of the extra train) is not installed")
    from edgebottle.zoo import digits

    data = digits.load_data()
    interpreter = open_model(zoo.load(name))
    score = accuracy(interpreter, int8_inputs(interpreter, data.test_images), data.test_labels)
    assert score == pytest.approx(zoo.find(name).accuracy, abs=5e-5)


def test_samples_are_of_the_test_set():
    pytest.importorskip("sklearn", reason="scikit-learn (of the extra train) is not installed")
    from edgebottle.zoo import digits

    data = digits.load_data()
    inputs, labels = zoo.load_samples("digits")
    everything = int8_inputs(open_model(zoo.load("digits")), data.test_images)
    found = [(everything == x).all(axis=(1, 2, 3)).nonzero()[0] for x in inputs]
    assert all(len(f) and data.test_labels[f[0]] == y for f, y in zip(found, labels, strict=True))


@pytest.mark.shared
def test_fashion_scores_as_recorded_on_a_thousand_test_images():
    if not FASHION_TEST.is_file():
        pytest.skip(f"{FASHION_TEST} is absent")
    with np.load(FASHION_TEST) as arrays:
        images, labels = arrays["x"][::10], arrays["y"][::10]
    assert np.bincount(labels).tolist() == [100] * 10
    interpreter = open_model(zoo.load("fashion"))
    inputs = int8_inputs(interpreter, (images / np.float32(255))[..., None])
    assert (inputs[..., 0] == images.astype(np.int16) - 128).all()
    assert accuracy(interpreter, inputs, labels) == FASHION_EVERY_TENTH


@pytest.mark.shared
def test_spoken_digits_score_as_recorded():
    if not FSDD.is_dir():
        pytest.skip(f"{FSDD} is absent")
    data = spoken_digits.load_data(FSDD)
    interpreter = open_model(zoo.load("spoken_digits"))
    inputs = int8_inputs(interpreter, data.test_images)
    found = accuracy(interpreter, inputs, data.test_labels)
    assert found == pytest.approx(zoo.find("spoken_digits").accuracy, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "weight_values", "output_bits"),
    [("spoken_digits", 15, [4] * 7 + [8] * 3), ("digits_w2a2", 4, [2, 2, 8, 2, 2, 8, 8, 8])],
)
def test_networks_of_few_bits_have_them(name, weight_values, output_bits):
    """All weights, and the outputs of all layers but what is added, the mean and what follows."""
    layers = layer_widths(load_tflite(zoo.load(name).read_bytes(), name))
    assert all(layer.weight_values <= weight_values for layer in layers if layer.weights)
    assert [layer.output_bits for layer in layers] == output_bits


@pytest.mark.shared
def test_blood_cells_are_found_as_recorded():
    """By the boxes of the whole test part, which boards make as well."""
    if not BCCD.is_dir():
        pytest.skip(f"{BCCD} is absent")
    content = zoo.load("blood_cells").read_bytes()
    graph, description = load_tflite(content, "blood_cells"), boxes_of(content)
    assert description == blood_cells.RECIPE.boxes
    labels = litert_precisions(graph, description, blood_cells.load_data(BCCD).test)
    found = mean_precision(labels)
    assert found == pytest.approx(zoo.find("blood_cells").accuracy, abs=5e-5)


def test_default_network_has_samples():
    assert zoo.load() == zoo.load(zoo.DEFAULT)
    assert zoo.find(zoo.DEFAULT).samples


@pytest.mark.parametrize(
    ("name", "says"),
    [("digit", "did you mean digits"), ("fasion", "did you mean fashion"), ("zzz", "there are")],
)
def test_unknown_name_is_one_clear_message(name, says):
    with pytest.raises(BadInput, match=says):
        zoo.load(name)


def test_network_without_samples_says_so():
    with pytest.raises(BadInput, match="without samples"):
        zoo.load_samples("fashion")
