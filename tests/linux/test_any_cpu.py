"""One program for all 64-bit Arm CPUs: SDOT where it finds it, the same bits everywhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.cpus import find_cpu
from edgebottle.drivers import to_bytes
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from edgebottle.pipeline import load
from edgebottle.program_counter import ProgramCounter
from edgebottle.samples import edge_cases
from edgebottle.verify import verify_model
from tests.bench.low_bits import network
from tests.conftest import long, needs_qemu_user

BOARD = "arm64_linux"

NETWORKS = [
    ("windows", 4, 4, "eb_conv_2d_few_neon_row"),
    ("dense", 8, 8, "eb_fully_connected_s8_quads_any_layer"),
    long("windows", 8, 8, "eb_conv_2d_s8_neon_any_row"),
    long("dense", 4, 4, "eb_fully_connected_few_quads_layer"),
]
"""Network, bits of weights and of what layers read of each other, a kernel with SDOT in it."""


def written(graph: Graph, folder: Path) -> str:
    file = folder / "network.tflite"
    file.write_bytes(write_tflite(graph))
    return str(file)


@needs_qemu_user
@pytest.mark.parametrize(("name", "weights", "inputs", "kernel"), NETWORKS)
def test_one_program_takes_what_each_cpu_has(
    tmp_path: Path, name: str, weights: int, inputs: int, kernel: str
) -> None:
    model = load(written(network(name, weights, inputs), tmp_path), io="int8")
    result = verify_model(model, load_board(BOARD), samples=2)
    kinds = find_cpu("armv8-a").kinds
    assert result.exact and result.match, str(result.difference)
    assert result.implementations[-2:] == tuple(f"virtual {BOARD} ({kind})" for kind in kinds)
    assert kernel in {choice.kernel for choice in result.built.project.source.kernels}
    (inputs_of_run, *_) = edge_cases(model.graph, 1).inputs
    counts, outputs = [], []
    for kind in kinds:
        counter = ProgramCounter(replace(result.built, board=replace(load_board(BOARD), cpu=kind)))
        counter.begin(to_bytes(inputs_of_run))
        found, output = counter.run()
        counts.append(found.instructions)
        outputs.append(output)
    assert counts[1] < counts[0] == result.instructions
    assert outputs[0] == outputs[1]
