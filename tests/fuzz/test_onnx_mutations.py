"""A thin, fixed part of ``python -m tests.fuzz.onnx_mutations``."""

import random

from tests.fuzz.onnx_mutations import mutated, outcome
from tests.importers.test_onnx import CASES
from tests.importers.test_onnx_quantized import quantized_model


def test_mutated_files_give_a_network_or_one_of_our_errors() -> None:
    seeds = [*CASES.values(), quantized_model(True)]
    chances = [random.Random(f"suite-{number}") for number in range(60)]
    kinds = {outcome(mutated(chance, chance.choice(seeds))) for chance in chances}
    assert kinds == {"network", "BadModel", "UnsupportedOp"}
