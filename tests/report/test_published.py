"""Our cycles beside the published ones: what is compared with what, and the words for it."""

import hashlib
import io
import re

import pytest
from rich.console import Console

from edgebottle.boards import all_boards
from edgebottle.report import published
from edgebottle.report.html import render
from edgebottle.report.published import (
    NOT_STATED,
    compare_newest,
    compare_published,
    published_results,
)
from edgebottle.report.terminal import published_parts
from hil.records import Record
from tests.conftest import SHARED
from tests.report.make_record import make_record

KWS = "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae"
FILES = {
    "ad": "ad01_int8.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "kws": "kws_ref_model.tflite",
    "vww": "vww_96_int8.tflite",
}


def ours(**changes: object) -> Record:
    return make_record(
        **{
            "model": "kws",
            "model_hash": KWS,
            "board": "nucleo_l4r5zi",
            "cycles": 2_590_000,
            "cycles_kind": "modelled",
            **changes,
        }
    )


def text_of(*records: Record) -> str:
    console = Console(file=io.StringIO(), width=120)
    for part in published_parts(compare_newest(records)):
        console.print(part)
    return console.file.getvalue()


def test_every_network_has_results_on_every_chip_that_is_a_board() -> None:
    results = published_results()
    chips = {result.chip for result in results}
    assert {(result.chip, result.network) for result in results} == {
        (chip, network) for chip in chips for network in FILES
    }
    for chip in chips:
        boards = [board for board in all_boards() if board.mcu.startswith(chip)]
        (clock, core) = {(r.clock_hz, r.core) for r in results if r.chip == chip}.pop()
        assert {(core.lower(), clock)} == {(board.cpu, board.clock_hz) for board in boards}
    assert all(10_000 < r.cycles < 100_000_000 and r.engine for r in results)


@pytest.mark.shared
@pytest.mark.parametrize("network", FILES)
def test_the_reference_files_are_those_of_the_suite(network: str) -> None:
    data = (SHARED / "models" / "mlperf-tiny" / FILES[network]).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    found = compare_published(ours(model_hash=digest))
    assert {result.network for result in found.results} == {network}


def test_a_record_meets_the_results_of_its_network_and_chip() -> None:
    found = compare_published(ours())
    assert [(r.submitter, r.cycles) for r in found.results] == [
        ("STMicroelectronics", 5_180_000),
        (NOT_STATED, 11_980_000),
    ]
    assert found.ratio(found.results[0]) == 0.5 and not found.reason
    assert {(r.network, r.chip) for r in found.results} == {("kws", "STM32L4R5")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_hash": "ab" * 32}, "kws is no reference network of MLPerf Tiny"),
        ({"board": "microbit"}, "microbit has none of them"),
        ({"board": "host", "virtual": False}, "host has none of them"),
        ({"board": "../boards/x"}, "the board ../boards/x is not known here"),
    ],
)
def test_without_a_counterpart_one_line_says_why(changes: dict[str, object], reason: str) -> None:
    found = compare_published(ours(**changes))
    assert found.results == () and reason in found.reason
    lines = text_of(ours(**changes)).replace("\n", " ")
    assert "no published counterpart" in lines and "measured" not in lines
    assert found.to_json()["results"] == [] and found.to_json()["reason"] == found.reason


def test_modelled_and_measured_are_never_mixed() -> None:
    lines = [line.split() for line in text_of(ours()).splitlines()]
    assert ["edgebottle,", "zig", "0.17.1", "-", "-", "2,590,000", "modelled"] in lines
    (other,) = [line for line in lines if "9.0" in line]
    assert other[-3:] == ["5,180,000", "measured", "0.50"]
    assert "not stated" in text_of(ours())
    (comparison,) = compare_newest([ours(cycles_kind="measured", virtual=False)])
    data = comparison.to_json()
    assert data["kind"] == "measured" and data["results"][0]["ratio"] == 0.5
    assert {result["kind"] for result in data["results"]} == {"measured"}


def test_a_record_without_cycles_claims_none() -> None:
    record = ours(cycles=None, cycles_kind="")
    (comparison,) = compare_newest([record])
    assert comparison.to_json()["cycles"] is None and comparison.to_json()["kind"] is None
    assert [result["ratio"] for result in comparison.to_json()["results"]] == [None, None]
    lines = [line.split() for line in text_of(record).splitlines()]
    assert ["edgebottle,", "zig", "0.17.1", "-", "-", "-", "unknown"] in lines
    assert "Ours are unknown" in render([record], [comparison])


def test_the_newest_of_each_board_and_compiler_is_compared() -> None:
    old, new = ours(cycles=1), ours(cycles=2)
    gcc, m7 = ours(compiler="gcc 12.2"), ours(board="stm32f746")
    assert [found.record for found in compare_newest([old, gcc, new, m7])] == [new, gcc, m7]


def test_the_page_shows_a_picture_and_its_words() -> None:
    record = ours()
    page = render([record], compare_newest([record, ours(board="microbit")]))
    (section,) = re.findall(r"<section><h2>Beside published.*?</section>", page, re.DOTALL)
    cells = re.findall(r"<span>([^<]*)</span></td>", section)
    assert cells[:3] == ["2,590,000", "modelled", ""]
    assert cells[3:6] == ["5,180,000", "measured", "0.50"]
    assert "STM32L4R5, Cortex-M4 at 120 MHz" in section and "no published counterpart" in section
    assert "Beside published" not in render([record])
    assert published.SUITE in section
