"""Training to few bits: what is simulated is what is exported, and what LiteRT computes."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import BadInput, ToolMissing, UnsupportedOp
from edgebottle.ops.fixed_point import multiply_by_quantized_multiplier
from edgebottle.training import read_trained, read_training_data, start_keras
from quantize.lowbit.bits import Bits
from quantize.lowbit.checkpoint import begin
from quantize.lowbit.methods.freezing import Freezing
from quantize.lowbit.methods.learned_clip import LearnedClip
from quantize.lowbit.methods.learned_step import LearnedStep
from quantize.lowbit.methods.method import Method
from quantize.lowbit.methods.statistical_step import StatisticalStep
from quantize.lowbit.network import INPUT, FloatNetwork, MovingWindow, NewShape, Product
from quantize.lowbit.recipe import DEFAULT_METHODS, TrainingRecipe
from quantize.lowbit.report import EpochRecord
from tests.cli.command_line import DIGITS, edgebottle, environment
from tests.quantize.lowbit_networks import (
    EVERY,
    SAMPLES,
    assert_exact,
    residual,
    signal,
    silent,
    task_of,
    transformer,
    vector,
)

ROOT = Path(__file__).resolve().parents[2]


TRAINED = [
    (residual, "w2a2", EVERY, 3),
    (signal, "w1a4", (StatisticalStep(), LearnedClip()), 1),
    (vector, "w3a2", (), 1),
    (transformer, "w4a8", DEFAULT_METHODS, 1),
]


@pytest.mark.parametrize(("network", "bits", "methods", "epochs"), TRAINED)
def test_integers_are_those_of_the_simulation(
    keras: Any, network: Callable[[Any], Any], bits: str, methods: tuple[Method, ...], epochs: int
) -> None:
    from quantize.lowbit.trainer import Trainer

    task = task_of(keras, network, bits, methods=methods, epochs=epochs)
    trainer = Trainer(task, silent, silent)
    simulation = trainer.run()
    stages = ["w4a4", "w2a2", "w2a2"] if epochs == 3 else [bits]
    assert [one.bits for one in trainer.epochs] == stages
    assert_exact(task, simulation)


def test_sums_are_requantized_as_litert_does(keras: Any) -> None:
    from quantize.lowbit.integers import requantized

    random = np.random.default_rng(0)
    multipliers = random.integers(1 << 30, 1 << 31, 64)
    shifts = -random.integers(-2, 24, 64)
    sums = random.integers(-(1 << 30), 1 << 30, (512, 64)) >> random.integers(2, 26, (512, 1))
    halves = np.array([[1], [-1]]) << np.maximum(-shifts, 0)  # of 2^30, the least multiplier
    for values, factors in ((sums, multipliers), (halves, np.full(64, 1 << 30))):
        found = requantized(keras.ops.convert_to_tensor(values.astype(np.int32)), factors, shifts)
        expected = multiply_by_quantized_multiplier(values, factors, shifts)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("count", [500, 600, 9_000])
def test_sums_that_single_precision_cannot_hold_are_exact(keras: Any, count: int) -> None:
    """Weights of 1 bit are all as large as can be: 576 of them are too many for 24 bits."""
    from quantize.lowbit.integers import exact_sums

    random = np.random.default_rng(count)
    values = random.integers(-255, 256, (8, count))
    kernel = random.integers(-127, 128, (count, 3))
    kernel[:, 1], kernel[:, 2] = 127, np.where(kernel[:, 2] > 0, 127, -127)
    values[0], values[1] = 255, np.where(kernel[:, 2] > 0, 255, -255)
    window = MovingWindow()
    given = keras.ops.convert_to_tensor(values.astype(np.int32))
    found = exact_sums(given, kernel.astype(np.int8), Product.DENSE, window)
    np.testing.assert_array_equal(found, values @ kernel)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_back_ends_of_keras(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "tests.quantize.lowbit_networks"]
    changed = environment(KERAS_BACKEND=backend, CUDA_VISIBLE_DEVICES="-1")
    done = subprocess.run(command, cwd=ROOT, env=changed, capture_output=True, text=True)
    assert done.stdout == f"{backend} is exact\n", done.stderr


@pytest.mark.parametrize("network", [residual, signal, transformer])
def test_a_network_is_read_as_it_computes(keras: Any, network: Callable[[Any], Any]) -> None:
    from quantize.lowbit.keras_network import read_network
    from quantize.lowbit.simulation import Simulation

    model = network(keras)
    values = SAMPLES.values[:8].reshape(-1, *model.input_shape[1:])
    read = read_network(model, "net")
    found = Simulation(read)(values)
    found = keras.ops.softmax(found) if read.has_softmax else found
    np.testing.assert_allclose(found, model(values), rtol=1e-4, atol=1e-5)


class Stopped(Exception):
    """As Ctrl-C."""


def test_training_goes_on_where_it_stopped(keras: Any, tmp_path: Path) -> None:
    from quantize.lowbit.trainer import Trainer

    keras.utils.set_random_seed(0)
    task = task_of(keras, vector, "w2a2", epochs=3)
    whole = Trainer(task, silent, silent)
    expected = whole.run().get_weights()
    task = replace(task, folder=tmp_path)

    def stop(epoch: EpochRecord) -> None:
        if epoch.number == 2:
            raise Stopped

    with pytest.raises(Stopped):
        Trainer(task, silent, stop).run()
    with pytest.raises(BadInput, match="go on with --resume, or begin anew with --restart"):
        begin(tmp_path, resume=False, restart=False)
    other = replace(task, bits=Bits.parse("w1a1"))
    with pytest.raises(BadInput, match="is of another training"):
        Trainer(other, silent, silent).run(resume=True)
    resumed = Trainer(task, silent, silent)
    for mine, theirs in zip(resumed.run(resume=True).get_weights(), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    assert [one.number for one in resumed.epochs] == [1, 2, 3]
    begin(tmp_path, resume=False, restart=True)
    with pytest.raises(BadInput, match="there is no training to go on with"):
        begin(tmp_path, resume=True, restart=False)


def test_a_loss_that_is_no_number(keras: Any) -> None:
    from quantize.lowbit.trainer import Trainer

    task = task_of(keras, vector, "w4a4", epochs=1)
    task.network.steps[0].bias[0] = np.nan
    with pytest.raises(BadInput, match="does not converge: the loss is no number in epoch 1 of 1"):
        Trainer(task, silent, silent).run()


def test_the_command(keras: Any, tmp_path: Path) -> None:
    model, data = tmp_path / "net.keras", tmp_path / "data.npz"
    vector(keras).save(model)
    np.savez(data, x=SAMPLES.values.reshape(48, -1)[:, :8], y=SAMPLES.labels)
    page, out = tmp_path / "page.html", tmp_path / "net.tflite"
    line = ["train", model, "--bits", "w2a4", "--data", data, "--epochs", "2", "--out", out]
    line += ["--html", page, "--without", "freezing", "--json"]
    (tmp_path / "net.training").mkdir()
    (tmp_path / "net.training" / "last.npz").write_bytes(b"of a training that was stopped")
    refused = edgebottle(*line, cwd=tmp_path)
    assert refused.code == 1
    assert "go on with --resume, or begin anew with --restart" in refused.err
    refused = edgebottle(*line, "--resume", cwd=tmp_path)
    assert refused.code == 1
    assert "cannot go on from" in refused.err
    told = edgebottle(*line, "--restart", cwd=tmp_path).json()
    assert [layer["weight_values"] for layer in told["layers"]][:2] == [4, 4]
    assert told["layers"][0]["output_bits"] == 4
    assert (told["samples"], told["validation"], told["test"]) == (39, 4, 5)
    assert page.read_text().count("<circle") == 4
    assert out.stat().st_size == told["bytes"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("data.npz", "net.keras", "net.tflite", "page.html")
    ]


def test_what_cannot_be_trained(keras: Any) -> None:
    from quantize.lowbit.keras_network import read_network

    layers = keras.layers
    rows = [
        ([layers.Conv2D(2, 3, activation="gelu")], "layer 'conv.*' has the activation gelu"),
        ([layers.LayerNormalization()], "layer 'layer_norm.*' is of LayerNormalization"),
        ([layers.Dense(2), layers.Softmax(), layers.Dense(2)], "computes .*|softmax"),
        ([layers.Conv2D(2, 3)], r"the network computes \[6, 6, 2\]"),
    ]
    for made, message in rows:
        with pytest.raises(UnsupportedOp, match=message):
            read_network(keras.Sequential([keras.Input((8, 8, 2)), *made]), "net")


LOGITS = NewShape(name="x", sources=(INPUT,), shape=(3,))
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"x": np.ones((4, 3))}, "has no classes to learn"),
    ({"x": np.ones((0, 3)), "y": np.ones(0, int)}, "holds no samples"),
    ({"x": np.eye(3), "y": np.arange(1, 4)}, "label 3 of sample 2 is none of the classes 0 to 2"),
    ({"x": np.eye(3), "y": np.ones(3, int)}, "of class 1"),
]


@pytest.mark.parametrize(("arrays", "message"), REFUSED)
def test_samples_that_teach_nothing(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(BadInput, match=message):
        read_training_data(FloatNetwork("net", (3,), (LOGITS,), False), str(tmp_path / "s.npz"))


def test_what_is_no_keras_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="is no Keras network: training takes a"):
        read_trained(DIGITS)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r"training needs keras.*'edgebottle\[train\]'"):
        start_keras()


RECIPES = [
    ("epoch = 3", "there is no 'epoch'; did you mean epochs?"),
    ("epochs = 0", "epochs is from 1 to"),
    ("epochs = 1.5", "epochs is 1.5, not such as 20"),
    ("[methods.lsq3]", "there is no method 'lsq3'; the methods are lsq, lsq"),
    ("[methods.dampening]\nstrenght = 1", "there is no 'strenght'; did you mean strength?"),
    ("augmentation = 3", "augmentation is a table"),
]


@pytest.mark.parametrize(("text", "message"), RECIPES)
def test_recipes_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(BadInput, match=re.escape(message)):
        TrainingRecipe.read(tmp_path / "r.toml")


def test_a_recipe_says_all_of_itself() -> None:
    recipe = TrainingRecipe(epochs=7, methods=(Freezing(last=0.02),))
    assert TrainingRecipe.of_table(recipe.to_json(), "here") == recipe
    assert TrainingRecipe().without(["lsq+"]).weight_method() == LearnedStep()
    with pytest.raises(BadInput, match="no method 'pact' to leave out"):
        TrainingRecipe().without(["pact"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("w9a4", "no bits such as w4a8"), ("4", "no bits such as w4a8"), ("none.toml", "cannot read")],
)
def test_bits_that_are_none(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Bits.parse(text)
