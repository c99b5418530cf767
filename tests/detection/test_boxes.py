"""Boxes in NumPy and in C, the same to the last bit, whatever a network says."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.boxes import BOX_BYTES, box_files, with_boxes
from edgebottle.codegen.naming import (
    BOX_API_WORDS,
    BOX_FILE_WORDS,
    BOX_MACRO_WORDS,
    MAX_COLUMNS,
    MAX_IDENTIFIER,
)
from edgebottle.codegen.project import write_project
from edgebottle.data import data_dir
from edgebottle.detection.boxes import (
    CERTAIN,
    MAX_CENTRE,
    ONE,
    SUBPIXELS,
    BoxDecoder,
    map_tables,
    real_boxes,
)
from edgebottle.detection.description import AnchorMap, BoxDescription, BoxMap, BoxRules
from edgebottle.errors import BadModel, DoesNotFit
from edgebottle.fit import fit
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Tensor
from tests.detection.detectors import LABELS, detector
from tests.firmware.bench_build import WARNINGS, sanitizing_compiler

DRIVER = """
#include <stdio.h>
#include "eb_cells_boxes.h"
#include "eb_cells_model.h"

static int8_t data[4][4096];
static eb_tensor outputs[4] = {%s};

eb_tensor eb_cells_output(int i)
{
    return outputs[i];
}

int main(void)
{
    eb_box found[%d];
    int32_t capacity;
    while (fread(&capacity, sizeof capacity, 1, stdin) == 1) {
        for (int i = 0; i < 4; ++i) {
            outputs[i].data = data[i];
            if (fread(data[i], 1, (size_t)outputs[i].bytes, stdin) != (size_t)outputs[i].bytes) {
                return 2;
            }
        }
        const int32_t count = eb_cells_boxes(found, capacity);
        fwrite(&count, sizeof count, 1, stdout);
        fwrite(found, sizeof found[0], (size_t)count, stdout);
    }
    return sizeof found[0] == %d && eb_cells_label(0) != NULL && eb_cells_label(-1) == NULL
           && eb_cells_label(%d) == NULL ? 0 : 3;
}
"""


@dataclass(frozen=True)
class Case:
    """Rules, and what the stored outputs are drawn from.

    Attributes:
        name: In messages.
        rules: Of the description.
        boxes: Lowest and highest stored distance.
        scores: Lowest and highest stored logit.
        scale: Of all outputs.
    """

    name: str
    rules: BoxRules
    boxes: tuple[int, int] = (-128, 127)
    scores: tuple[int, int] = (-128, 127)
    scale: float = 0.05


CASES = (
    Case("random", BoxRules()),
    Case("few_places", BoxRules(candidates=3)),
    Case("one_place", BoxRules(candidates=1)),
    Case("all_scores_equal", BoxRules(candidates=20), scores=(5, 5)),
    Case("two_scores", BoxRules(candidates=20, least_score=0.0), scores=(4, 5)),
    Case("all_overlap", BoxRules(centre_scale=0.001, most_overlap=0.01), boxes=(60, 127)),
    Case("nothing_overlaps_too_much", BoxRules(most_overlap=1.0), boxes=(-5, 5)),
    Case("nothing_is_good_enough", BoxRules(least_score=1.0), scores=(-128, 0)),
    Case("certain", BoxRules(least_score=1.0), scores=(127, 127), scale=1.0),
    Case("saturated", BoxRules(centre_scale=16.0, size_scale=16.0), scale=4.0),
    Case("saturated_low", BoxRules(size_scale=16.0), boxes=(-128, -128), scale=4.0),
    Case("saturated_high", BoxRules(size_scale=16.0), boxes=(127, 127), scale=1e4),
    Case("fine", BoxRules(centre_scale=0.01), boxes=(-3, 3), scale=1e-3),
)


def stored(case: Case, seed: int) -> tuple[Graph, BoxDecoder, list[tuple[Array, ...]]]:
    """A network with the outputs of a case, and several of them."""
    graph, description = detector(case.rules)
    tensors = dict(graph.tensors)
    for number, name in enumerate(graph.outputs):
        quant = Quant((float(np.float32(case.scale)),), (7 - 5 * number,))
        tensors[name] = replace(tensors[name], quant=quant)
    random = np.random.default_rng(seed)
    drawn = [
        tuple(
            random.integers(
                *(case.scores if number % 2 else case.boxes),
                graph.tensors[name].shape,
                np.int8,
                endpoint=True,
            )
            for number, name in enumerate(graph.outputs)
        )
        for _ in range(6)
    ]
    changed = replace(graph, tensors=tensors)
    return changed, BoxDecoder(description, changed), drawn


def c_tensor(tensor: Tensor) -> str:
    size = tensor.nbytes
    shape = ", ".join(map(str, tensor.shape))
    layout = ", ".join([str(size)] * 5)
    return f"{{NULL, 4, {{{shape}}}, EB_I8, 0.5f, 0, {layout}}}"


def in_c(
    graph: Graph, decoder: BoxDecoder, samples: list[tuple[Array, ...]], folder: Path
) -> list[Array]:
    """The boxes that the generated C makes, under sanitizers."""
    candidates = decoder.description.rules.candidates
    for name, text in box_files("cells", decoder).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "eb_cells_model.h").write_text(
        '#include "edgebottle.h"\neb_tensor eb_cells_output(int i);\n', encoding="utf-8"
    )
    tensors = ", ".join(c_tensor(graph.tensors[name]) for name in graph.outputs)
    driver = DRIVER % (tensors, candidates, BOX_BYTES, len(LABELS))
    (folder / "driver.c").write_text(driver, encoding="utf-8")
    include = data_dir("firmware") / "lib/edgebottle/include"
    command = [*sanitizing_compiler(), *WARNINGS, "-O1", f"-I{include}", f"-I{folder}"]
    command += [str(folder / "driver.c"), str(folder / "eb_cells_boxes.c"), "-o"]
    subprocess.run([*command, str(folder / "driver")], check=True, timeout=300)
    given = b"".join(
        np.int32(candidates).tobytes() + b"".join(each.tobytes() for each in sample)
        for sample in samples
    )
    done = subprocess.run(
        [folder / "driver"], input=given, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return list(_boxes(done.stdout))


def _boxes(data: bytes) -> Iterator[Array]:
    while data:
        (count,) = np.frombuffer(data[:4], np.int32)
        end = 4 + BOX_BYTES * count
        words = np.frombuffer(data[4:end], np.uint16).reshape(-1, 6)
        yield words.astype(np.int32)
        data = data[end:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_c_makes_the_boxes_of_numpy(case: Case, tmp_path: Path) -> None:
    graph, decoder, samples = stored(case, seed=3)
    expected = [decoder.boxes(sample) for sample in samples]
    found = in_c(graph, decoder, samples, tmp_path)
    for ours, theirs in zip(expected, found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    counts = {len(one) for one in expected}
    assert (counts == {0}) == (case.name == "nothing_is_good_enough")
    assert max(counts) <= case.rules.candidates


def plain_boxes(decoder: BoxDecoder, outputs: tuple[Array, ...]) -> list[list[int]]:
    """The same once more, one number after the other, as it is told in words."""
    description, found = decoder.description, list[list[int]]()
    for one, tables in zip(description.maps, decoder.tables, strict=True):
        boxes, scores = outputs[one.boxes][0], outputs[one.scores][0]
        for row, column, anchor in np.ndindex(*boxes.shape[:2], len(tables.sizes)):
            moved = [int(it) for it in boxes[row, column, 4 * anchor : 4 * anchor + 4]]
            corners = [0] * 4
            for axis, place in enumerate((row, column)):
                side = int(tables.sizes[anchor][axis])
                step = (moved[axis] - tables.zero_point) * tables.centre * side
                middle = (2 * place + 1) * tables.stride // 2 + (step + 32768) // 65536
                half = (int(tables.growth[moved[2 + axis] + 128]) * side + 65536) // 131072
                end = description.image[axis] * SUBPIXELS
                corners[axis] = min(max(middle - half, 0), end)
                corners[2 + axis] = min(max(middle + half, 0), end)
            for label in range(len(LABELS)):
                logit = int(scores[row, column, anchor * len(LABELS) + label])
                found.append([*corners, int(tables.scores[logit + 128]), label])
    best = sorted(found, key=lambda box: -box[4])
    least = round(CERTAIN * description.rules.least_score)
    best = [box for box in best if box[4] >= least][: description.rules.candidates]
    kept: list[list[int]] = []
    for box in best:
        if not any(box[5] == other[5] and too_near(box, other, decoder) for other in kept):
            kept.append(box)
    return kept


def too_near(one: list[int], other: list[int], decoder: BoxDecoder) -> bool:
    sides = [min(one[2 + i], other[2 + i]) - max(one[i], other[i]) for i in (0, 1)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    whole = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return ONE * shared > round(ONE * decoder.description.rules.most_overlap) * whole


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_numpy_makes_the_boxes_of_plain_numbers(case: Case) -> None:
    _, decoder, samples = stored(case, seed=5)
    assert decoder.boxes(samples[0]).tolist() == plain_boxes(decoder, samples[0])


def test_stored_and_real_outputs_make_the_same_boxes_but_for_rounding() -> None:
    graph, decoder, samples = stored(Case("x", BoxRules(candidates=8), scores=(-60, 60)), seed=8)
    for sample in samples:
        real = [
            (value.astype(np.float64) - graph.tensors[name].zero_point) * graph.tensors[name].scale
            for value, name in zip(sample, graph.outputs, strict=True)
        ]
        ours, theirs = decoder.boxes(sample), real_boxes(decoder.description, real)
        np.testing.assert_allclose(ours, theirs, atol=2)


def test_one_box_by_hand() -> None:
    """An anchor of 8x16 pixels, its centre a quarter of it further down, as wide, twice as high."""
    one = BoxMap(AnchorMap(16, ((8, 16),)), 0, 1)
    description = BoxDescription(("it",), (32, 32), (one,), BoxRules(0.1, 1.0, 0.6, 0.5, 4))
    boxes = np.full((1, 2, 2, 4), 0.0)
    boxes[0, 0, 1] = [2.5, 0.0, np.log(2), 0.0]
    scores = np.full((1, 2, 2, 1), -9.0)
    scores[0, 0, 1] = np.log(3)
    expected = [2 * 16, 16 * 16, 18 * 16, 32 * 16, round(0.75 * CERTAIN), 0]
    assert real_boxes(description, [boxes, scores]).tolist() == [expected]


def test_tables_end_where_every_box_leaves_the_image() -> None:
    one = BoxMap(AnchorMap(2047, ((2047, 2047),)), 0, 1)
    tables = map_tables(one, BoxRules(16.0, 16.0), Quant((1e6,), (-128,)), Quant((1e6,), (127,)))
    assert tables.centre == MAX_CENTRE and 255 * MAX_CENTRE < 2**31
    assert int(tables.growth.max()) <= 2**27 and int(tables.growth.min()) >= 0
    assert tables.scores.min() == 0 and tables.scores.max() == round(CERTAIN / 2)


def test_generated_names_keep_to_their_words() -> None:
    graph, description = detector()
    files = box_files("cells", BoxDecoder(description, graph))
    assert {Path(name).stem for name in files} == {f"eb_cells_{word}" for word in BOX_FILE_WORDS}
    header = files["eb_cells_boxes.h"]
    macros = set(re.findall(r"#define EB_CELLS_(\w+)", header))
    assert macros == set(BOX_MACRO_WORDS)
    functions = set(re.findall(r"^\w[\w *]*\beb_cells_(\w+)\(", header, re.MULTILINE))
    assert functions == set(BOX_API_WORDS)
    for text in files.values():
        assert max(map(len, text.splitlines())) <= MAX_COLUMNS
        assert max(map(len, re.findall(r"\w+", text))) <= MAX_IDENTIFIER


def test_candidates_that_no_stack_holds() -> None:
    graph, description = detector(BoxRules(candidates=200))
    board = load_board("microbit")
    plan = fit(graph, board).plan
    project = write_project(graph, plan, board)
    with pytest.raises(DoesNotFit, match=r"200 candidates .* microbit has 2,048: .* at most 106"):
        with_boxes(project, description, graph)


def test_float_outputs_are_refused() -> None:
    graph, description = detector()
    tensors = {
        name: replace(tensor, dtype=DType.F32, quant=None) if name in graph.outputs else tensor
        for name, tensor in graph.tensors.items()
    }
    with pytest.raises(BadModel, match="quantize the network"):
        BoxDecoder(description, replace(graph, tensors=tensors))
