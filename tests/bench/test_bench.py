"""The benchmark's table; the figures themselves come from ``python -m tests.bench``."""

import json
from pathlib import Path

import pytest

from hil.records import read
from tests.bench.__main__ import main
from tests.bench.peers import PEERS
from tests.bench.rows import BOARDS, MODELS, SCHEDULES, SHARED, Row
from tests.bench.table import header, line, peers_lines, to_json

ROW = Row("kws", "min-ram", "stm32f746", 0.25, 7_400, 2_656_768, 5_000_000, 16_000)


def test_lines_stand_below_the_header() -> None:
    text = line(ROW)
    assert len(text) == len(header())
    assert text.split() == [
        *("kws", "min-ram", "stm32f746", "7,400", "2,656,768", "5,000,000", "16,000", "0.25"),
    ]


def test_what_is_missing_is_said() -> None:
    text = line(Row("kws", "rows", "stm32f746", reason="not yet"))
    assert text.endswith("-  not yet") and text.split().count("-") == 5


def test_every_peer_has_a_model_and_a_source() -> None:
    for peer in PEERS:
        assert peer.model in MODELS and peer.source and peer.value > 0
        assert peer.metric in ("ram", "instructions")
        assert peer.board in ("", *BOARDS) and (peer.metric == "ram") == (peer.board == "")


def test_peers_lines_name_the_source() -> None:
    lines = peers_lines("kws")
    assert any("TFLM arena: 22,820 bytes of RAM - found by the project" in text for text in lines)
    assert any("(nucleo_l4r5zi): 7,850,000 instructions" in text for text in lines)


def test_json_has_rows_and_their_peers() -> None:
    data = json.loads(json.dumps(to_json([ROW])))
    assert data["rows"][0]["ram"] == 7_400
    assert {peer["model"] for peer in data["peers"]} == {"kws"}


@pytest.mark.shared
def test_every_file_exists() -> None:
    assert [file for file, _ in MODELS.values() if not (SHARED / "models" / file).is_file()] == []


@pytest.mark.shared
def test_one_row_from_file_to_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = tmp_path / "records.jsonl"
    wanted = ["--model", "kws", "--board", "stm32f746", "--schedule", "layers", "--json"]
    assert main([*wanted, "--records", str(records)]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    (record,) = read(records)
    assert record.instructions == row["instructions"] > 1_000_000
    assert record.ram.arena == row["ram"] and record.macs == row["macs"] == 2_656_768
    assert record.flash.code == row["code"]


@pytest.mark.shared
def test_plans_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "kws", "--board", "stm32f746", "--plan-only"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[1] for text in lines[1 : 1 + len(SCHEDULES)]] == list(SCHEDULES)
    assert "TFLM arena" in "\n".join(lines[5:])
