"""A network that cannot be split becomes one that can: every method, every rate, every refusal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.litert import LiteRTModel
from edgebottle.split.description import SplitFile
from edgebottle.split.payload import PayloadCode
from edgebottle.split_training import OF_FEW_BITS, SplitMethod, rates_of, train_split
from edgebottle.training import TrainingData
from quantize.lowbit.bits import LayerBits
from quantize.lowbit.bottleneck import Bottleneck, coded_bits
from quantize.lowbit.network import FloatNetwork, Weighted
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.samples import LabelledSamples, split
from quantize.post.affine import quantized
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution, Residual
from quantize.search.keras_model import keras_model
from quantize.split.student import SplitPlan, places, student_of, usual_place
from tests.cli.command_line import edgebottle

RECIPE = TrainingRecipe(epochs=3, batch_size=24, learning_rate=4e-3, validation=0.25)
GROUPS = (1, 2)


def teacher() -> FloatNetwork:
    blocks = (Residual(6, stride=2), FullConvolution(8, stride=2))
    return Architecture((16, 16, 1), Stem(4), blocks, ClassHead(3)).network("teacher")


def squares(count: int, seed: int = 0) -> LabelledSamples:
    """Bright squares at the left, in the middle or at the right: the class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    values = random.random((count, 16, 16, 1), np.float32) * np.float32(0.3)
    for value, label in zip(values, labels, strict=True):
        value[5:11, 5 * label : 5 * label + 5] += np.float32(0.6)
    return LabelledSamples(values, labels)


DATA = TrainingData(squares(64), squares(30, seed=1), (0.0, 1.0), ())

SHORT = {"epochs": 2}


def trained(method: SplitMethod, bits: int = 2, **more: Any) -> tuple[SplitFile, Any, list[Any]]:
    network = teacher()
    told: list[Any] = []
    plan = SplitPlan(usual_place(network), GROUPS, bits)
    recipe = replace(RECIPE, **more.pop("recipe", {}))
    data, report = train_split(
        *(network, DATA, plan, method, recipe, lambda *what: None, told.append), **more
    )
    return SplitFile.of_bytes(data, "teacher"), report, told


@pytest.mark.parametrize("method", list(SplitMethod), ids=lambda method: method.value)
def test_every_method_makes_a_network_whose_halves_are_the_whole(
    keras: Any, method: SplitMethod
) -> None:
    file, report, told = trained(method, recipe=SHORT)
    assert [one.number for one in report.epochs] == [1, 2]
    assert len(told) == 2
    assert [rate.channels for rate in report.rates] == [1, 3]
    assert report.shape == (4, 4, 3)
    sizes = [(rate.entropy_bytes, rate.bytes, rate.packed_bytes) for rate in report.rates]
    for entropy, mean, packed in sizes:
        assert mean <= packed
        assert mean >= min(entropy, packed - 20) + 20 - 1e-9
    whole, head, tail = (LiteRTModel(data) for data in (file.data, file.head, file.tail))
    quant = file.graph.tensors[file.graph.inputs[0]].quant
    assert quant is not None
    right = 0
    for value, label in zip(DATA.test.values, DATA.test.labels, strict=True):
        image = quantized(value[None], quant)
        levels = file.split.levels(head.run([image])[0])
        found = tail.run([file.split.stored(levels)])[0]
        assert np.array_equal(found, whole.run([image])[0])
        right += found.argmax() == label
    assert report.rates[-1].accuracy == right / len(DATA.test)


def test_what_epochs_are_chosen_by_is_what_litert_gives(keras: Any) -> None:
    recipe = RECIPE.without(("norm-estimation",))
    file, report, _ = trained(SplitMethod.NAIVE, recipe={"methods": recipe.methods})
    chosen = split(DATA.samples, recipe.validation, recipe.seed)[1]
    rates = [one.accuracy for one in rates_of(file, chosen, lambda *what: None)]
    assert len(set(rates)) > 1
    best = [one.validation for one in report.epochs if one.is_best][-1]
    assert np.mean(rates) == pytest.approx(best)


def test_fixed_steps_and_followed_ones(keras: Any) -> None:
    """What is fixed keeps its numbers, and the rest comes nearer to what the teacher computes."""
    from quantize.lowbit.trainer import Task, Trainer

    network = teacher()
    student = student_of(network, SplitPlan(usual_place(network), GROUPS), 0)
    samples = DATA.samples
    recipe = replace(RECIPE, learning_rate=0.05).without(OF_FEW_BITS)
    task = Task(
        *(student.network, student.bits(LayerBits()), recipe),
        *(samples, samples, DATA.input_bounds),
        teacher=network,
        bottleneck=student.ordered(),
        fixed=(*student.head, *student.tail),
        guides=((student.decoder, student.plan.at),),
    )
    trainer = Trainer(task, lambda *what: None, lambda *what: None)
    after = trainer.run().trained()
    fixed = {*student.head, *student.tail}
    changed = set()
    for before, now in zip(student.network.steps, after.steps, strict=True):
        if isinstance(before, Weighted) and isinstance(now, Weighted):
            is_same = np.array_equal(before.kernel, now.kernel)
            assert is_same or before.name not in fixed
            changed |= set() if is_same else {before.name}
    assert changed
    assert trainer.epochs[-1].loss < trainer.epochs[0].loss


def test_training_that_was_stopped_goes_on_in_its_second_stage(keras: Any, tmp_path: Path) -> None:
    network = teacher()
    seen: list[Any] = []

    def stopping(epoch: Any) -> None:
        seen.append(epoch)
        if len(seen) == 2:
            raise KeyboardInterrupt

    plan = SplitPlan(usual_place(network), GROUPS)
    what = (network, DATA, plan, SplitMethod.BOTTLEFIT, RECIPE, lambda *what: None)
    with pytest.raises(KeyboardInterrupt):
        train_split(*what, stopping, folder=tmp_path / "epochs")
    found, report = train_split(*what, seen.append, folder=tmp_path / "epochs", resume=True)
    assert len(seen) == 3
    assert found == trained(SplitMethod.BOTTLEFIT)[0].data
    assert [one.number for one in report.epochs] == [1, 2, 3]


@pytest.mark.parametrize("whole", [0.0, 0.5, 1.0])
def test_nested_dropout_keeps_the_first_groups(keras: Any, whole: float) -> None:
    bottleneck = Bottleneck("any", (1, 2, 3), whole)
    values = np.ones((3000, 2, 2, 6), np.float32)
    kept = np.asarray(bottleneck.dropped(values, keras.random.SeedGenerator(1)))
    assert (kept == kept[:, :1, :1]).all()  # the same for all pixels of a sample
    counts = kept[:, 0, 0].sum(axis=1)
    assert (np.diff(kept[:, 0, 0], axis=1) <= 0).all()
    shares = [np.mean(counts == channels) for channels in (1, 3, 6)]
    drawn = (1 - whole) / 3
    np.testing.assert_allclose(shares, [drawn, drawn, drawn + whole], atol=0.03)


def test_coded_bits_are_those_of_the_code(keras: Any) -> None:
    """Of whole levels: what the tables counted over the same samples say, but the first pixel."""
    random = np.random.default_rng(0)
    levels = np.minimum(random.geometric(0.6, (400, 3, 4, 2)) - 1, 3).astype(np.uint8)
    levels[:, :, 1:, 1] = levels[:, :, :-1, 1]  # a channel whose pixels are like their neighbours
    code = PayloadCode.counted(levels, 4, (1, 1))
    alone = PayloadCode.of_json({**code.to_json(), "height": 1, "width": 1})
    bits = [code.entropy_bits(one, 2) - alone.entropy_bits(one[:1, :1], 2) for one in levels]
    found = float(coded_bits(levels.astype(np.float32), 3)) * levels[0].size
    assert found == pytest.approx(np.mean(bits), rel=2e-3)


def test_a_price_draws_values_to_levels_that_are_coded_shorter(keras: Any) -> None:
    """Between two levels what they cost is interpolated: less towards the one that is usual."""
    levels = np.zeros((50, 2, 2, 1), np.float32)
    levels[:5, 1, 1] = 2.0
    costs = []
    for level in (1.6, 2.0, 2.4):
        levels[0, 1, 1] = level
        costs.append(float(Bottleneck("any", (1,), price=3.0).cost(levels, 3)))
    assert costs[0] > costs[1] < costs[2]  # 1 and 3 were never sent
    levels[0, 1, 1] = 0.4
    assert float(Bottleneck("any", (1,), price=3.0).cost(levels, 3)) < costs[1]
    assert float(Bottleneck("any", (1,)).cost(levels, 3)) == 0.0


def test_entropic_training_sends_less(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a price that counts for more than all else, hardly anything is left to be sent."""
    recipe = {"epochs": 10, "batch_size": 8, "learning_rate": 0.1}
    found = []
    for price in (0.0, 100.0):
        monkeypatch.setattr("edgebottle.split_training.ENTROPY_PRICE", price)
        found.append(trained(SplitMethod.ENTROPIC, recipe=recipe)[1].rates[-1].entropy_bytes)
    assert found[1] < 0.5 * found[0]


def test_a_network_is_split_only_where_all_depends_on_one_map() -> None:
    network = teacher()
    names = [one.name for one in places(network)]
    assert "stem" in names
    assert not [name for name in names if "first" in name]  # inside a residual block
    assert usual_place(network) == names[-1]
    for at in ("nowhere", network.steps[-1].name):
        with pytest.raises(BadInput, match="cannot be split at"):
            student_of(network, SplitPlan(at, GROUPS), 0)


REFUSED = [
    (["--channels", "4,2"], "no rising numbers"),
    (["--channels", "two"], "no rising numbers"),
    (["--bits", "5"], "5 is not in the range"),
    (["--at", "nowhere"], "cannot be split at 'nowhere'"),
    (["--method", "magic"], "'magic' is not one of"),
    (["--early-exit", "1"], "'1' is no share such as 2%"),
]


@pytest.fixture(scope="module")
def files(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("split")
    keras_model(teacher()).save(folder / "model.keras")
    np.savez(folder / "train.npz", x=DATA.samples.values, y=DATA.samples.labels)
    return folder


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=lambda each: str(each)[:20])
def test_bad_options_have_one_message(files: Path, options: list[str], message: str) -> None:
    result = edgebottle("split", "train", "model.keras", "--data", "train.npz", *options, cwd=files)
    assert result.code in (1, 2)
    assert message in result.err
    assert "Traceback" not in result.err


def test_command_writes_a_file_that_can_be_split(files: Path) -> None:
    result = edgebottle(
        *("split", "train", "model.keras", "--data", "train.npz", "--channels", "1,3"),
        *("--epochs", "1", "--early-exit", "40%", "--json"),
        cwd=files,
    )
    report = result.json()
    data = (files / report["file"]).read_bytes()
    split = SplitFile.of_bytes(data, "model").split
    assert split.code.groups == (1, 2)
    assert report["exit"]["wanted"] == 0.4
    assert report["exit"]["threshold"] == split.threshold
    assert split.exit_share == report["exit"]["share"]
    assert len(report["rates"]) == 2
    assert not (files / "model_split.training").exists()
