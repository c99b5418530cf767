"""The benchmark's table; the figures themselves come from ``python -m tests.bench``."""

import json
from pathlib import Path

import pytest

from edgebottle.passes.find_levels import find_levels
from edgebottle.passes.narrow import narrow_widths
from edgebottle.report.published import published_results
from hil.records import read
from tests.bench import detection
from tests.bench.__main__ import main
from tests.bench.low_bit_layers import KINDS, PAIRS, chain
from tests.bench.peers import PEERS
from tests.bench.peers_view import tables
from tests.bench.published import (
    NETWORKS,
    PublishedRow,
    best_results,
    published_boards,
    published_header,
    published_line,
    published_summary,
)
from tests.bench.rows import BOARDS, MODELS, SCHEDULES, SHARED, Row
from tests.bench.table import UNITS, header, line, peers_lines, to_json

ROW = Row("kws", "min-ram", "stm32f746", "gcc", 0.25, 7_400, 2_656_768, 5_000_000, None, 16_000)


def test_lines_stand_below_the_header() -> None:
    text = line(ROW)
    assert len(text) == len(header())
    assert text.split() == [
        *("kws", "min-ram", "stm32f746", "gcc"),
        *("7,400", "2,656,768", "5,000,000", "-", "16,000", "0.25"),
    ]


def test_what_is_missing_is_said() -> None:
    text = line(Row("kws", "rows", "stm32f746", "zig", reason="not yet"))
    assert text.endswith("-  not yet") and text.split().count("-") == 6


def test_every_peer_has_a_model_and_a_source() -> None:
    for peer in PEERS:
        assert peer.model in MODELS and peer.source and peer.value > 0
        assert peer.metric in UNITS and peer.board in ("", *BOARDS)
        assert (peer.metric in ("instructions", "cycles")) == (peer.board != "")


def test_peers_lines_name_the_source() -> None:
    lines = peers_lines("kws")
    assert any("TFLM arena: 22,820 bytes of RAM - found by the project" in text for text in lines)
    assert any("(nucleo_l4r5zi): 7,850,000 instructions" in text for text in lines)


def test_json_has_rows_and_their_peers() -> None:
    data = json.loads(json.dumps(to_json([ROW])))
    assert data["rows"][0]["ram"] == 7_400
    assert {peer["model"] for peer in data["peers"]} == {"kws"}


def test_tables_set_ours_beside_the_peers() -> None:
    gone = Row("vww", "auto", "stm32f746", "zig", reason="does not fit")
    text = tables([ROW, gone])
    at = text.index("Instructions per inference (exact), stm32f746")
    assert text[at + 1].split() == ["engine", "kws", "vww"]
    assert text[at + 2].split()[-2:] == ["7,760,000", "24,480,000"]
    assert text[at + 3].split() == ["ours,", "min-ram,", "gcc", "5,000,000", "-"]
    assert any(line.split() == ["ours,", "min-ram", "7,400", "-"] for line in text)
    assert text[-1] == "vww, auto, stm32f746, zig: does not fit"


def test_the_best_published_of_each_chip_and_network() -> None:
    best = best_results()
    assert len(best) == 4 * len(NETWORKS) and set(BOARDS) < set(published_boards())
    least = {(result.chip, result.network): result.cycles for result in best}
    assert least["STM32L4R5", "kws"] == 5_180_000 and least["STM32F746", "ad"] == 310_000
    assert all(
        result.cycles >= least[result.chip, result.network] for result in published_results()
    )


@pytest.mark.parametrize(
    ("cycles", "reason", "cells"),
    [
        (5_180_000, "", ["5,180,000", "5,180,000", "1.000", "ST"]),
        (5_698_000, "", ["5,698,000", "5,180,000", "1.100", "above", "ST"]),
        (None, "no room", ["-", "5,180,000", "-", "ST"]),
    ],
)
def test_lines_beside_published_cycles(cycles: int | None, reason: str, cells: list[str]) -> None:
    best = next(r for r in best_results() if (r.chip, r.network) == ("STM32L4R5", "kws"))
    row = PublishedRow("nucleo_l4r5zi", best, cycles, cycles, reason)
    text = published_line(row)
    assert text.split()[: 2 + len(cells)] == ["STM32L4R5", "kws", *cells]
    assert text.endswith(reason) and text.index("ST Edge") == published_header().index(
        "published by"
    )
    data = json.loads(json.dumps(row.to_json()))
    assert data["above"] == ("above" in cells) and data["best"]["cycles"] == 5_180_000
    under = int(cycles == 5_180_000)
    assert published_summary([row]).startswith(f"{under} of {int(cycles is not None)} at or under")


@pytest.mark.shared
def test_every_file_exists() -> None:
    assert [file for file, _ in MODELS.values() if not (SHARED / "models" / file).is_file()] == []


@pytest.mark.long
@pytest.mark.shared
def test_one_row_from_file_to_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = tmp_path / "records.jsonl"
    wanted = ["--model", "kws", "--board", "stm32f746", "--schedule", "layers", "--json"]
    assert main([*wanted, "--records", str(records)]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    (record,) = read(records).records
    assert record.instructions == row["instructions"] > 1_000_000
    assert record.ram.arena == row["ram"] and record.macs == row["macs"] == 2_656_768
    assert record.flash.code == row["code"]


@pytest.mark.shared
def test_plans_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "kws", "--board", "stm32f746", "--plan-only"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[1] for text in lines[1 : 1 + len(SCHEDULES)]] == list(SCHEDULES)
    assert "TFLM arena" in "\n".join(lines[5:])


@pytest.mark.long
@pytest.mark.shared
def test_peers_from_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--peers", "--model", "kws", "--schedule", "auto", "--board", "nucleo_l4r5zi"]
    assert main([*wanted, "--toolchain", "zig"]) == 0
    lines = capsys.readouterr().out.splitlines()
    ours = next(text for text in lines if text.startswith("ours, auto, zig"))
    assert 1_000_000 < int(ours.split()[-1].replace(",", "")) < 7_850_000


def test_detectors_that_were_not_trained_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"network": "full", "seed": seed, "epochs": 9, "val": 0.5, "test": test}
        | {"test_labels": {"RBC": test, "WBC": 0.25}}
        for seed, test in ((0, 0.4), (1, 0.6))
    ]
    text = "".join(json.dumps(one) + "\n" for one in lines) + '{"network": "fu'
    (tmp_path / "cells.jsonl").write_text(text, encoding="utf-8")
    detection.main([str(tmp_path), "--epochs", "9", "--table"])
    _, full, depthwise = capsys.readouterr().out.splitlines()
    assert full.split()[:3] == ["full", "9", "2"]
    assert "50.00 ± 0.00  50.00 ± 10.00" in full
    assert "RBC 50.0 WBC 25.0  missing: 1" in full
    assert depthwise.split() == ["depthwise", "9", "0", "missing:", "3"]


@pytest.mark.parametrize("activations", PAIRS)
def test_layers_of_few_bits_have_the_bits_they_are_named_for(activations: int) -> None:
    graph, names = chain(activations, PAIRS[activations])
    graph = find_levels(graph)
    widths = narrow_widths(graph)
    assert {kind for _, kind in names.values()} == set(KINDS)
    stored = {8: None, 4: 4, 3: 4, 2: 2, 1: 1}
    for name, (bits, _) in names.items():
        node = next(node for node in graph.nodes if node.name == name)
        weights = graph.tensors[str(node.inputs[1])]
        assert (weights.levels and weights.levels.bits) == stored[bits], name
        assert (widths[name].bits if name in widths else None) == stored[activations], name
