"""Kernels with the vectors of Cortex-A: packed as they are read, exact, on no CPU without them."""

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.build.cache import compiler_environment
from edgebottle.build.toolchains import linux_compiler, qemu_user_path
from edgebottle.codegen.project import sync
from edgebottle.drivers import open_session
from edgebottle.errors import BoardError
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Judge, Wish
from edgebottle.ops.base import Isa
from edgebottle.ops.depthwise_neon import pack_taps
from edgebottle.ops.dot_packing import pack_columns, pack_fours
from edgebottle.ops.neon_kernels import pack_windows
from edgebottle.passes.narrow import packed_groups, read_packed
from edgebottle.pipeline import Built, build, load
from edgebottle.verify import verify_model
from tests.bench.low_bits import network
from tests.conftest import long, needs_qemu_user

NEON = ("raspberry_pi_4", "raspberry_pi_5", "raspberry_pi_os_armv7")
"""SMULL with SADALP; SDOT; the 32-bit form."""

PROGRAM = Path(__file__).parent / "dot.c"


def test_windows_are_packed_as_they_are_read() -> None:
    matrix = np.arange(5 * 18, dtype=np.int64).reshape(5, 18).astype(np.int8)
    packed = pack_windows(matrix).reshape(2, 2, 4, 16)
    for output in range(5):
        taps = packed[output // 4, :, output % 4].reshape(-1)
        assert (taps[:18] == matrix[output]).all() and not taps[18:].any()
    assert not packed[1, :, 1:].any()


def test_fours_of_taps_are_packed_as_they_are_read() -> None:
    """Sixteen channels together, as long as more than twelve are left; then eight, then four."""
    matrix = np.arange(29 * 12, dtype=np.int64).reshape(29, 12).astype(np.int8)
    packed = pack_fours(matrix, runs=2)  # of six taps, with two zeros behind them
    runs = np.pad(matrix.reshape(29, 2, 6), ((0, 3), (0, 0), (0, 2))).reshape(32, 4, 4)
    read = 0
    for first, channels in ((0, 16), (16, 16)):
        group = packed[read : read + 16 * channels].reshape(4, channels, 4)
        assert (group.transpose(1, 0, 2) == runs[first : first + channels]).all()
        read += group.size
    assert read == len(packed)
    few = pack_fours(matrix[:9], runs=2)
    assert (few[:128].reshape(4, 8, 4).transpose(1, 0, 2) == runs[:8]).all()
    assert (few[128:].reshape(4, 4, 4)[:, 0] == runs[8]).all() and len(few) == 128 + 64


def test_channels_are_packed_as_they_are_read() -> None:
    taps = np.arange(9 * 20, dtype=np.int64).reshape(9, 20).astype(np.int8)
    packed = pack_taps(taps).reshape(2, 9, 16)
    for channel in range(20):
        assert (packed[channel // 16, :, channel % 16] == taps[:, channel]).all()
    assert not packed[1, :, 4:].any()


def test_columns_are_packed_as_they_are_read() -> None:
    taps = np.arange(5 * 3 * 22, dtype=np.int64).reshape(5, 3, 22).astype(np.int8)
    packed = pack_columns(taps)
    padded = np.pad(taps, ((0, 3), (0, 0), (0, 2))).reshape(2, 4, 3, 24).transpose(0, 2, 3, 1)
    assert (packed[: 6 * 16 * 4].reshape(2, 3, 16, 4) == padded[:, :, :16]).all()
    assert (packed[6 * 16 * 4 :].reshape(2, 3, 8, 4) == padded[:, :, 16:]).all()


MODELS = [
    ("mlperf-tiny/kws_ref_model.tflite", "raspberry_pi_4"),
    ("mlperf-tiny/pretrainedResnet_quant.tflite", "raspberry_pi_5"),
    ("mlperf-tiny/vww_96_int8.tflite", "raspberry_pi_4"),
    ("mlperf-tiny/ad01_int8.tflite", "raspberry_pi_5"),
    *(
        long(f"mlperf-tiny/{name}.tflite", board)
        for name in ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8", "ad01_int8")
        for board in NEON
    ),
    long("mcunet/mcunet-320kb-1mb_imagenet.tflite", "raspberry_pi_5"),
]


@pytest.mark.shared
@needs_qemu_user
@pytest.mark.parametrize(("file", "board"), MODELS)
def test_models_verify_with_vectors(shared: Path, file: str, board: str) -> None:
    result = verify_model(
        load(str(shared / "models" / file), io="int8"), load_board(board), samples=2
    )
    assert result.exact and result.match, str(result.difference)
    names = [choice.kernel for choice in result.built.project.source.kernels]
    assert any(word in name for name in names for word in ("_neon_", "_dot_", "_quads_"))


KERNELS = {
    "residual": {"eb_conv_2d_few_neon_row"},
    "keywords": {"eb_conv_2d_few_neon_row", "eb_depthwise_conv_2d_neon_row"},
}
"""Of convolutions, by network; with SDOT those of int8 may cost less."""

FEW = [
    ("residual", 4, 4, "raspberry_pi_3"),
    ("keywords", 2, 2, "raspberry_pi_4"),
    ("keywords", 4, 4, "raspberry_pi_os_armv7"),
    *(
        long(name, weights, inputs, board)
        for name in KERNELS
        for weights, inputs in ((1, 1), (2, 2), (2, 8), (4, 4))
        for board in ("raspberry_pi_3", *NEON)
    ),
]
"""Network, bits of weights and of what layers read of each other, board."""


@needs_qemu_user
@pytest.mark.parametrize(("name", "weights", "inputs", "board"), FEW)
def test_few_bits_verify_with_vectors(
    tmp_path: Path, name: str, weights: int, inputs: int, board: str
) -> None:
    file = tmp_path / "few.tflite"
    file.write_bytes(write_tflite(network(name, weights, inputs)))
    result = verify_model(load(str(file), io="int8"), load_board(board), samples=2)
    assert result.exact and result.match, str(result.difference)
    kernels = {choice.kernel for choice in result.built.project.source.kernels}
    assert load_board(board).processor.dot or kernels >= KERNELS[name]


FEW_LAYER, INT8_LAYER, DOT_LAYER = (
    f"eb_fully_connected_{name}_layer" for name in ("few_quads", "s8_quads", "s8_dot")
)

DENSE = [
    (2, 2, "raspberry_pi_3", [FEW_LAYER, FEW_LAYER]),
    (4, 4, "raspberry_pi_4", [FEW_LAYER, INT8_LAYER]),
    (4, 8, "raspberry_pi_4", [FEW_LAYER, INT8_LAYER]),
    (2, 2, "raspberry_pi_5", [DOT_LAYER, DOT_LAYER]),
    (4, 8, "raspberry_pi_5", [DOT_LAYER, DOT_LAYER]),
    (8, 8, "raspberry_pi_5", [DOT_LAYER, DOT_LAYER]),
    (8, 8, "raspberry_pi_3", [INT8_LAYER, INT8_LAYER]),
]
"""Bits of weights and inputs, board, and what costs it least by the model."""


@pytest.mark.parametrize(("weights", "inputs", "board", "kernels"), DENSE)
def test_dense_layers_take_what_costs_least(
    tmp_path: Path, weights: int, inputs: int, board: str, kernels: list[str]
) -> None:
    file = tmp_path / "dense.tflite"
    file.write_bytes(write_tflite(network("dense", weights, inputs)))
    model = load(str(file), io="int8")
    source = Judge(model.graph).verdict(load_board(board), Wish()).source
    assert [choice.kernel for choice in source.kernels][1:] == kernels


GAINS = [
    ("separable", 4, Isa.NEON, []),
    ("separable", 2, Isa.NEON, ["depthwise_0", "depthwise_1"]),
    ("separable", 2, Isa.NEON_ANY, ["depthwise_0", "depthwise_1"]),
    ("windows", 4, Isa.NEON_COUNTS, ["conv_0", "conv_1", "conv_2"]),
    ("windows", 2, Isa.NEON_DOT, []),
    ("dense", 4, Isa.NEON_COUNTS, []),
    ("dense", 2, Isa.NEON_COUNTS, ["dense_0", "dense_1"]),
]
"""Network, bits, kind of core, the tensors that are stored with few bits because it gains by that.

What a depthwise layer reads gains nothing, and 1x1 and dense layers of 4 bits sum up in one block
with int8 too; SDOT costs the same.
"""


@pytest.mark.parametrize(("name", "bits", "isa", "expected"), GAINS)
def test_tensors_are_packed_where_that_saves_more_than_it_takes(
    tmp_path: Path, name: str, bits: int, isa: Isa, expected: list[str]
) -> None:
    file = tmp_path / "few.tflite"
    file.write_bytes(write_tflite(network(name, bits, bits)))
    graph = load(str(file), io="int8").graph
    groups = read_packed(graph, packed_groups(graph), isa)
    assert sorted(tensor for group in groups for tensor in group) == expected


@pytest.fixture(scope="module")
def dotted() -> Built:
    """A program with SDOT."""
    return build(load("digits"), load_board("raspberry_pi_5"))


@needs_qemu_user
def test_a_program_asks_first_what_the_cpu_can_do(dotted: Built) -> None:
    command = [qemu_user_path(dotted.board), "-cpu", "cortex-a53", str(dotted.elf)]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60)
    assert done.returncode == 3 and not done.stdout
    assert b"built for CPUs with SDOT, which this one lacks" in done.stderr


@needs_qemu_user
def test_a_session_says_so(dotted: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    other = load_board("raspberry_pi_3").processor
    monkeypatch.setattr(type(dotted.board), "processor", other)
    with pytest.raises(BoardError, match="SDOT, which this one lacks"), open_session(dotted):
        pass


@needs_qemu_user
@pytest.mark.parametrize(("cpu", "code"), [("cortex-a76", 0), ("cortex-a53", -signal.SIGILL)])
def test_the_emulator_catches_what_a_core_lacks(tmp_path: Path, cpu: str, code: int) -> None:
    """A kernel that is chosen for the wrong core is found here, not on somebody's board."""
    board = load_board("raspberry_pi_5")
    sync(Judge(load("digits").graph).verdict(board, Wish()).project(), tmp_path)
    library, compiler = tmp_path / "lib", linux_compiler(board)
    folders = [library / "edgebottle" / "include", library / "eb_digits"]
    words = [*compiler.command, "-O2", "-static", *compiler.arch_flags, "-fno-sanitize=all"]
    words += [f"-I{folder}" for folder in folders]
    program = tmp_path / "program"
    sources = [PROGRAM, *sorted((library / "eb_digits").glob("*.c"))]
    environment = compiler_environment()
    subprocess.run([*words, *sources, "-o", program], check=True, timeout=600, env=environment)
    done = subprocess.run([qemu_user_path(board), "-cpu", cpu, program], timeout=60)
    assert done.returncode == code
