"""The bench application where it serves a benchmark: what the runner sends, and what it hears."""

import struct
from pathlib import Path

import pytest
from bench_build import FAKE, ask, build_host

MODEL = FAKE.with_name("fake_floats")
READY = b"m-ready\r\n"


def app(folder: Path, *defines: str) -> Path:
    return build_host(folder, 4, model=MODEL, defines=('EB_BENCH_MODEL_VERSION="ad01"', *defines))


@pytest.fixture(scope="module")
def floats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return app(tmp_path_factory.mktemp("floats"), "EB_BENCH_FLOATS=4")


@pytest.fixture(scope="module")
def distance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distance")
    return app(folder, "EB_BENCH_FLOATS=4", "EB_BENCH_DISTANCE=1")


def sent(*values: float) -> bytes:
    return b"db load 16%db " + struct.pack("<4f", *values).hex().encode() + b"%"


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ((0.0, 1.0, -1.0, 0.24), (-3, -1, -5, -3)),
        ((0.25, 0.75, -0.25, -0.75), (-2, -1, -4, -5)),  # ties: away from zero
        ((65.0, 65.25, -62.5, -63.0), (127, 127, -128, -128)),
        ((1e30, -1e30, INF, -INF), (127, -128, 127, -128)),
        ((NAN, 600.0, -600.0, 1e-40), (-128, 127, -128, -3)),
    ],
)
def test_floats_are_quantized(
    floats: Path, values: tuple[float, ...], stored: tuple[int, ...]
) -> None:
    expected = "".join(f"{value & 255:02X}" for value in stored).encode()
    answer = ask(floats, sent(*values) + b"infer 2 3%out%")
    assert answer.endswith(b"m-out-0-[" + expected + b"]\r\n" + READY)
    assert ask(floats, b"db load 17%") == (
        b"e-[Supplied buffer size 17 exceeds maximum of 16]\r\n" + READY
    )


def test_floats_that_have_not_all_come_are_no_input(floats: Path) -> None:
    answer = ask(floats, b"db load 16%db 00000000%infer 1 0%")
    assert answer.endswith(b"e-[load the input first]\r\n" + READY)


def test_the_result_is_the_distance_from_the_floats(distance: Path) -> None:
    answer = ask(distance, sent(0.0, 1.1, -1.0, 0.75) + b"infer 1 0%profile%")
    # Off by 0, 0.1, 0, 0.25: the mean of the squares is 0.018125.
    assert b"m-results-[0.018]\r\n" in answer
    assert answer.endswith(b"m-model-[ad01]\r\n" + READY)


def test_unsigned_bytes_are_made_signed(tmp_path: Path) -> None:
    unsigned = app(tmp_path, "EB_BENCH_UNSIGNED=1")
    answer = ask(unsigned, b"db load 4%db 007f80ff%db print%infer 1 0%out%")
    assert b"m-buffer-00-7f-80-ff\r\n" in answer
    assert answer.endswith(b"m-out-0-[80FF007F]\r\n" + READY)
