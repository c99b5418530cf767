"""Tables of times and code: what they are fitted on comes out of them again."""

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array
from edgebottle.search.code_sizes import REST, CodeSizes, MeasuredCode, learned
from edgebottle.search.features import FEATURES, STEP_FEATURES, LayerFeatures
from edgebottle.search.kernel_times import (
    KernelTimes,
    MeasuredLayer,
    MeasuredRun,
    MeasuredSteps,
    fitted,
    kernel_times,
    nonnegative_least_squares,
)

SOLVED = (
    ([[1, 0], [0, 1], [1, 1]], [2, 3, 5], [2, 3]),
    ([[1, 1], [1, 2], [1, 3]], [3, 2, 1], [2, 0]),  # without the bound: 4 and -1
    ([[1, 0, 2], [2, 0, 1], [0, 0, 1]], [5, 4, 2], [1, 0, 2]),
    ([[1], [1]], [-1, -2], [0]),
)
"""Equations, values, and the solution."""


@pytest.mark.parametrize("matrix, values, expected", SOLVED)
def test_least_squares_has_no_negative_coefficient(
    matrix: list[list[float]], values: list[float], expected: list[float]
) -> None:
    found = nonnegative_least_squares(np.array(matrix, float), np.array(values, float))
    assert found == pytest.approx(expected, abs=1e-9)


def test_least_squares_finds_what_made_the_values() -> None:
    generator = np.random.default_rng(3)
    matrix = generator.random((60, 9)) * 10.0 ** np.arange(9)
    made = np.array([0, 2.5, 0, 1, 0, 7, 3e-3, 0, 1e-4])
    assert nonnegative_least_squares(matrix, matrix @ made) == pytest.approx(made, abs=1e-6)


def layer(number: int, values: Array, kernel: str = "eb_conv", *, staged: bool) -> LayerFeatures:
    return LayerFeatures(f"layer{number}", "CONV_2D", kernel, staged, values)


def times() -> tuple[KernelTimes, list[MeasuredLayer]]:
    """A table of layers that take twice as long in a stage."""
    generator = np.random.default_rng(1)
    layers, runs = [], []
    for number in range(80):
        values = generator.integers(1, 1000, len(FEATURES)).astype(float)
        instructions = int(values[1] * 10 + values[4] * 3) * (1 + number % 2)
        found = layer(number, values, staged=bool(number % 2))
        layers.append(MeasuredLayer(found, (instructions, 2 * instructions)))
    for some in range(8):
        steps = generator.integers(1, 100, len(STEP_FEATURES)).astype(float)
        runs.append(MeasuredRun(tuple(layers[some::8]), MeasuredSteps(steps, (0, 0))))
    return fitted("board", "virtual", runs), layers


def test_times_of_measured_layers_come_out_again() -> None:
    table, layers = times()
    again = KernelTimes.of_json(table.to_json())
    for one in layers[::2]:  # those in a stage stand in the wider kind as well
        plain = LayerFeatures("", "CONV_2D", "eb_conv", True, one.features.values)
        inside = again.layer(plain)
        assert inside == pytest.approx(2 * np.array(one.counts), rel=1e-3)


def test_an_unknown_kernel_is_taken_for_its_operator() -> None:
    table, layers = times()
    unknown = layer(0, layers[0].features.values, "eb_other", staged=False)
    assert table.layer(unknown) == pytest.approx(
        table.coefficients["CONV_2D"] @ layers[0].features.values
    )


def test_kinds_of_a_layer_go_from_the_closest_to_the_widest() -> None:
    few = LayerFeatures("a", "CONV_2D", "eb_conv", True, np.zeros(1), "W4A8")
    staged, plain = "CONV_2D eb_conv in a stage", "CONV_2D eb_conv"
    bits = "CONV_2D eb_conv W4A8"
    assert few.kinds() == (f"{bits} in a stage", bits, staged, plain, "CONV_2D")
    assert layer(0, np.zeros(1), staged=True).kinds() == (staged, plain, "CONV_2D")
    assert few.code_kind == staged  # which code does not tell by the bits


def test_a_table_of_other_features_is_refused() -> None:
    text = times()[0].to_json().replace('"row_taps"', '"row_steps_of_old"')
    with pytest.raises(BadInput, match="another version"):
        KernelTimes.of_json(text)


@pytest.mark.parametrize("board", ["nucleo_l476rg", "longan_nano"])
def test_a_board_without_times_has_those_of_another(board: str) -> None:
    assert kernel_times(load_board(board), "zig", "balanced").board == "nucleo_l4r5zi"


CONV, ADD, MEAN = "CONV_2D eb_conv", "ADD eb_add", "MEAN eb_mean"

IMAGES = (
    ({"a": CONV, "b": CONV}, {"step_00_a": 12, "step_01_b": 12, "eb_conv": 300, "main": 500}),
    (
        {"a": CONV, "b": ADD},
        {"step_00_a": 12, "step_01_b": 140, "eb_conv": 300, "eb_add": 80, "main": 500},
    ),
    ({"a": ADD, "c": MEAN}, {"step_00_a": 140, "step_01_c": 90, "eb_add": 80, "main": 500}),
)
"""Kinds of layers, and symbols."""


def image(code: int) -> MeasuredCode:
    """Of one layer, all of whose code belongs to the image."""
    rest = np.array([1, 1, 0, 0, 0], float)
    return MeasuredCode({"a": CONV}, frozenset(), rest, (("main", 1000),), code)


@pytest.mark.parametrize(
    ("codes", "margin"),
    [
        ([1000] * 8, 0.0),
        # Each of eight is held against the mean of the others.
        ([1000] * 7 + [1140], 0.65 * 140 / 1000 - 0.35 * 20 / 1020),
        ([1140] * 7 + [1000], 20 / 1120),
    ],
)
def test_the_margin_is_what_most_images_take_beyond_a_table_of_the_others(
    codes: list[int], margin: float
) -> None:
    """The 95th percentile of eight lies at 0.65 of the way between the last two."""
    table = learned("board", [image(code) for code in codes])
    assert table.margin == pytest.approx(margin, rel=1e-3)
    assert CodeSizes.of_json(table.to_json()).margin == pytest.approx(table.margin, rel=1e-3)


def run(cycles: int) -> MeasuredRun:
    """Of one layer, all of whose time belongs to its call."""
    values = np.array([1.0] + [0.0] * (len(FEATURES) - 1))
    measured = MeasuredLayer(layer(0, values, staged=False), (cycles, cycles))
    return MeasuredRun((measured,), MeasuredSteps(np.zeros(len(STEP_FEATURES)), (0, 0)))


@pytest.mark.parametrize(
    ("cycles", "least", "most"),
    [
        ([1000] * 8, 0.0, 1e-6),
        # The one that is held against the seven others takes two fifths more; 0.65 of the way.
        ([1000] * 7 + [1400], 0.65 * 0.38, 0.65 * 0.4),
    ],
)
def test_the_margin_of_times_is_what_most_runs_take_beyond_a_table_of_the_others(
    cycles: list[int], least: float, most: float
) -> None:
    table = fitted("board", "virtual", [run(one) for one in cycles])
    assert least <= table.margin <= most
    assert KernelTimes.of_json(table.to_json()).margin == pytest.approx(table.margin, rel=1e-3)


def test_code_of_images_is_made_of_layers_and_of_what_they_share() -> None:
    images = [
        MeasuredCode(
            kinds,
            frozenset(kind.split()[1] for kind in kinds.values()),
            np.zeros(len(REST)),
            tuple(symbols.items()),
            sum(symbols.values()),
        )
        for kinds, symbols in IMAGES
    ]
    table = CodeSizes.of_json(learned("board", images).to_json())
    found = [table.explained(image.kinds.values(), image.words) for image in images]
    assert found == [824, 1032, 810]
    words = frozenset({"eb_conv", "eb_mean"})
    assert table.explained([CONV, MEAN], words) == 12 + 90 + 300 + 500


@pytest.mark.parametrize(("having", "explained"), [(10, 300), (9, 300), (8, 0), (1, 0)])
def test_a_word_explains_a_symbol_that_few_images_with_it_lack(having: int, explained: int) -> None:
    """Compilers put a function into its only caller, now and then."""
    images = [
        MeasuredCode(
            {"a": CONV},
            frozenset({"eb_conv"}),
            np.zeros(len(REST)),
            (("main", 500), *((("eb_tile", 300),) if number < having else ())),
            800,
        )
        for number in range(10)
    ]
    table = learned("board", images)
    assert table.explained([CONV], frozenset({"eb_conv"})) == 500 + explained
