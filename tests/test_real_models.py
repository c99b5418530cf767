"""The real models, from file to virtual board: exact outputs, RAM and code within their limits."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.errors import DoesNotFit
from edgebottle.fit import Wish, fit
from edgebottle.passes.dead_channels import dead_channel_report
from edgebottle.pipeline import Model, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.verify import Verification, verify_model
from tests.bench import figures
from tests.cli.command_line import edgebottle
from tests.conftest import SHARED, long

pytestmark = pytest.mark.shared

MODELS = SHARED / "models"
TINY = {
    "ad": "mlperf-tiny/ad01_int8.tflite",
    "kws": "mlperf-tiny/kws_ref_model.tflite",
    "ic": "mlperf-tiny/pretrainedResnet_quant.tflite",
    "vww": "mlperf-tiny/vww_96_int8.tflite",
}
FEW = 3
"""All minimum, all maximum, zero point; `edgebottle verify --samples 20` adds random ones."""


@cache
def model(file: str) -> Model:
    return load(str(MODELS / file))


@cache
def verified(file: str, board: str) -> Verification:
    return verify_model(model(file), load_board(board), samples=FEW)


@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("ic", "stm32f746"),
        ("kws", "stm32f746"),
        ("kws", "nucleo_g0b1re"),
        long("ad", "stm32f746"),
        long("vww", "stm32f746"),
        long("kws", "nucleo_l4r5zi"),
        long("kws", "longan_nano"),
    ],
)
def test_mlperf_tiny(name: str, board: str) -> None:
    result = verified(TINY[name], board)
    assert result.exact and result.match, str(result.difference)
    assert result.implementations == ("LiteRT", "NumPy", "host C", f"virtual {board}")


@pytest.mark.parametrize(
    "file",
    [
        "tflite-micro/keyword_scrambled_8bit.tflite",
        "tflite-micro/micro_speech_quantized.tflite",
        long("magic-wand/quantized_model.tflite"),
        long("mcunet/tinyengine_vww.tflite"),
        long("tflite-micro/hello_world_int8.tflite"),
        long("tflite-micro/person_detect.tflite"),
        long("tflite-micro/trained_lstm_int8.tflite"),
    ],
)
def test_other_models_fit_stm32f746(file: str) -> None:
    result = verified(file, "stm32f746")
    assert result.exact and result.match, str(result.difference)
    assert result.litert_refusal is None


@pytest.mark.parametrize(
    "file",
    [
        "mcunet/tinyengine_detection.tflite",
        long("mcunet/mcunet-320kb-1mb_imagenet.tflite"),
    ],
)
def test_large_models_on_the_host(file: str) -> None:
    result = verify_model(model(file), load_board("host"), samples=1)
    assert result.exact and result.match, str(result.difference)


@pytest.mark.parametrize(
    "file",
    [
        "magic-wand/model.tflite",
        "tflite-micro/hello_world_float.tflite",
        long("mlperf-tiny/ad01_fp32.tflite"),
        long("mlperf-tiny/pretrainedResnet.tflite"),
    ],
)
def test_float_models_on_the_host(file: str) -> None:
    result = verify_model(model(file), load_board("host"), samples=FEW)
    assert not result.exact and result.match, str(result.difference)


@pytest.mark.parametrize(
    ("file", "board"),
    [
        ("micro-wake-word/alexa.tflite", "stm32f746"),
        long("micro-wake-word/okay_nabu.tflite", "host"),
    ],
)
def test_streams_of_fifty_steps(file: str, board: str) -> None:
    result = verify_model(model(file), load_board(board), samples=50)
    assert result.exact and result.match, str(result.difference)
    assert result.litert_refusal is None


@pytest.mark.parametrize(
    ("file", "most_macs", "fewest_channels"),
    [
        (TINY["vww"], 3_900_000, 1700),
        ("mcunet/tinyengine_vww.tflite", 11_000_000, 350),
        ("tflite-micro/person_detect.tflite", 7_100_000, 3),
    ],
)
def test_dead_channels_go(file: str, most_macs: int, fewest_channels: int) -> None:
    loaded = model(file)
    report = dead_channel_report(loaded.imported, loaded.graph)
    assert loaded.macs() == report.macs_after <= most_macs
    assert report.channels >= fewest_channels


def test_inspect_says_what_went(tmp_path: Path) -> None:
    done = edgebottle("inspect", str(MODELS / TINY["vww"]), cwd=tmp_path)
    assert done.code == 0, done.err
    head = " ".join(done.out.split("Layers")[0].split())  # lines end at 80 columns
    assert "1,724 removed: MACs 7,489,664 -> 3,727,313, weights 219,064 -> 33,122 bytes" in head


KB = 1024


CODE = 16 * KB
"""Bytes of flash beside the weights: kernels, start-up and the bench application."""


@pytest.mark.parametrize("name", ["kws", long("ad"), long("ic"), long("vww")])
def test_code_limit_of_gcc(name: str) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    built = build(model(TINY[name]), load_board("stm32f746"), toolchain="gcc")
    assert built.flash.code <= CODE


@pytest.mark.parametrize("board", [figures.M4, figures.M7])
def test_code_limit_of_zig(board: str) -> None:
    """Of what ``test_figures`` builds and compares to the last byte."""
    measured = figures.read().measured
    assert max(measured[board, "auto", name].code for name in TINY) <= CODE


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_what_only_the_linker_finds_too_large(
    toolchain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arena and stack fit the micro:bit, but not the bench application's variables as well."""
    # What the bench application takes at least is known before: here nothing is expected of it.
    monkeypatch.setattr("edgebottle.fit.LEAST_STATIC", 0)
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    with pytest.raises(DoesNotFit, match=r"needs \d+ bytes more of RAM \(arena .* --input rows`"):
        build(model(TINY["ic"]), load_board("microbit"), toolchain=toolchain)


@pytest.mark.parametrize(
    ("name", "bound"), [("ic", 49.5 * KB), ("kws", 16.5 * KB), ("vww", 56 * KB)]
)
def test_memory_limits(name: str, bound: float) -> None:
    """RAM of one layer at a time in place, and at most 4 kB of scratch."""
    wish = Wish(schedule=Schedule.LAYERS)
    plan = fit(model(TINY[name]).graph, load_board("stm32f746"), wish).plan
    scratch = max(step.scratch_bytes for step in plan.steps)
    assert scratch <= 4 * KB
    assert plan.arena_bytes <= bound + scratch


def test_project_holds_no_foreign_path(tmp_path: Path) -> None:
    """A generated project can be moved: no file of it names the folder it was made in."""
    built = verified(TINY["kws"], "stm32f746").built
    for name, content in built.project.files.items():
        assert str(Path.home()).encode() not in content, name
        assert str(Path(__file__).parents[1]).encode() not in content, name
