"""Every command on the zoo's digits, with tables for people and with one object for machines."""

import re
from pathlib import Path

import numpy as np
import pytest

from edgebottle.build.elf import read_elf
from edgebottle.exporters.tflite import write_tflite
from tests.build.test_flash_files import read_intel_hex
from tests.cli.command_line import DIGITS, Result, edgebottle, environment, files_of, installed
from tests.quantize.test_split import wide_rows

BOARD = "microbit"


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an edgebottle.toml, a model and samples; commands of this module share it."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "net.tflite").write_bytes(DIGITS.read_bytes())
    done = edgebottle("init", "net.tflite", "--board", BOARD, cwd=folder)
    assert done.code == 0 and f"board {BOARD}" in done.out and "Next: edgebottle build" in done.out
    with np.load(DIGITS.with_name("digits_samples.npz")) as samples:
        np.savez(folder / "samples.npz", x=samples["x"][:6], y=samples["y"][:6])
    return folder


def clean(result: Result) -> str:
    """Standard output of a command that was done, as it reaches a pipe."""
    assert result.code == 0, result.err
    assert "\x1b" not in result.out + result.err
    said = [x for x in result.err.splitlines() if not x.startswith(("model: ", "inputs: "))]
    assert said == []
    return result.out


def test_help(tmp_path: Path) -> None:
    text = clean(installed("--help", cwd=tmp_path))
    assert text == clean(edgebottle("-h", cwd=tmp_path)) and "edgebottle demo" in text
    assert "Exit codes: 0 done, 1 your input, 2 usage, 3 the board or the tools" in text
    assert re.fullmatch(r"edgebottle, version \S+\n", clean(edgebottle("--version", cwd=tmp_path)))


def test_every_command_has_help_with_examples() -> None:
    from click import Context, Group
    from click.testing import CliRunner

    from edgebottle.cli.main import COMMANDS, cli

    for name in COMMANDS:
        command = cli.get_command(Context(cli), name)
        assert command is not None
        lines = [[name]]
        if isinstance(command, Group):
            shown = [sub for sub, one in command.commands.items() if not one.hidden]
            lines = [[name, sub] for sub in shown]
        for words in lines:
            done = CliRunner().invoke(cli, [*words, "--help"])
            assert done.exit_code == 0
            if words != ["zoo", "list"]:
                assert f"Examples:\n    edgebottle {' '.join(words)}" in done.output, words
            assert "--json" in done.output
            assert max(map(len, done.output.splitlines())) <= 96


def test_boards(tmp_path: Path) -> None:
    assert "stm32f746" in clean(edgebottle("boards", cwd=tmp_path))
    boards = {
        board["id"]: board
        for board in edgebottle("boards", "--json", cwd=tmp_path).json()["boards"]
    }
    assert boards[BOARD]["ram"] == 16 * 1024 and boards[BOARD]["virtual"]
    assert not boards["host"]["virtual"]


def test_inspect(tmp_path: Path) -> None:
    text = clean(edgebottle("inspect", DIGITS, "--dump", "stages", cwd=tmp_path))
    for words in ("DEPTHWISE_CONV_2D", "MACs", "Memory over time", "lower bound", BOARD, " peak"):
        assert words in text
    assert sorted(files_of(tmp_path / "stages")) == ["graph.txt", "imported.txt", "plan.json"]
    data = edgebottle("inspect", "digits", "-b", BOARD, "--json", cwd=tmp_path).json()
    assert data["ram"]["arena"] >= data["ram"]["lower_bound"] > 0
    assert {"bytes", "stack", "static"} < set(data["ram"]) and "code" in data["flash"]
    assert data["flash"]["weights"] > 0
    assert data["macs"] == sum(layer["macs"] for layer in data["layers"])
    assert {"name", "op", "macs", "output_bytes"} < set(data["layers"][0])


def test_stages_in_parts(tmp_path: Path) -> None:
    (tmp_path / "wide.tflite").write_bytes(write_tflite(wide_rows()))
    assert "5 parts of its columns" in clean(edgebottle("inspect", "wide.tflite", cwd=tmp_path))
    data = edgebottle("inspect", "wide.tflite", "--json", cwd=tmp_path).json()
    least = next(view for view in data["schedules"] if view["name"] == "min-ram")
    assert [(cut["axis"], cut["parts"]) for cut in least["cuts"]] == [
        ("columns", 5),
        ("columns", 8),
    ]
    assert 0 < least["extra_macs"] <= data["macs"] / 100
    words = ("wide.tflite", "-b", "nucleo_l4r5zi", "--schedule", "min-ram")
    built = edgebottle("build", *words, "--json", cwd=tmp_path).json()
    assert (built["schedule"], built["extra_macs"]) == ("min-ram", least["extra_macs"])
    assert built["macs"] == data["macs"] + least["extra_macs"]
    assert f"{least['extra_macs']:+,} MACs (+0.9%)" in clean(
        edgebottle("build", *words, cwd=tmp_path)
    )


def test_build_as_the_configuration_says(workspace: Path) -> None:
    done = edgebottle("build", cwd=workspace)
    text = clean(done)
    assert done.err == f"model: {workspace}/net.tflite (from {workspace}/edgebottle.toml)\n"
    for words in ("RAM", "arena", "stack", "flash", "weights", "code", "exact"):
        assert words in text
    project = workspace / "edgebottle-out" / f"net-{BOARD}"
    assert (project / "firmware.elf").read_bytes()[:4] == b"\x7fELF"
    assert text.endswith("firmware.elf (.bin and .hex beside it)\nnext:     edgebottle verify\n")
    assert (project / "lib" / "eb_net" / "eb_net_model.h").is_file()
    before = files_of(project)
    data = edgebottle("build", "--json", cwd=workspace).json()
    assert files_of(project) == before
    assert data["ram"]["bytes"] == sum(data["ram"][part] for part in ("arena", "stack", "static"))
    assert data["flash"]["bytes"] == data["flash"]["weights"] + data["flash"]["code"]
    assert data["macs"] > 0 and Path(workspace, data["elf"]).is_file()
    image = read_elf(project / "firmware.elf").image
    assert Path(workspace, data["bin"]).read_bytes() == image
    flashed = read_intel_hex(Path(workspace, data["hex"]).read_text())
    assert bytes(flashed[address] for address in sorted(flashed)) == image
    assert min(flashed) == 0 and max(flashed) == len(image) - 1


def test_a_build_counts_in_parts_of_its_budget(tmp_path: Path) -> None:
    budget = ("--ram", "12k", "--flash", "80k")
    text = clean(edgebottle("build", "-b", "microbit", *budget, cwd=tmp_path))
    data = edgebottle("build", "-b", "microbit", *budget, "--json", cwd=tmp_path).json()
    assert f"{data['ram']['bytes'] / (12 * 1024):.1%} of 12.0 kB" in text
    assert f"{data['flash']['bytes'] / (80 * 1024):.1%} of 80.0 kB" in text
    done = edgebottle("build", "-b", "microbit", "--flash", "30k", cwd=tmp_path)
    assert done.code == 1 and "`--optimize size` brings flash to 28.7 kB to" in done.err
    assert "which may fit; longan_nano has room for it" in done.err


def test_build_takes_the_default_network_and_says_so(tmp_path: Path) -> None:
    done = edgebottle("build", "-b", "host", "--out", "deep/out", cwd=tmp_path)
    clean(done)
    assert done.err == "model: digits (the default network of the zoo)\n"
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "deep" / "out").glob("firmware.*")] == [
        "firmware.elf"
    ]
    assert done.out.endswith("\nnext:     edgebottle verify digits --board host\n")


def test_a_failed_build_leaves_the_project_as_it_was(workspace: Path) -> None:
    clean(edgebottle("build", "--out", "kept", cwd=workspace))
    before = files_of(workspace / "kept")
    for budget in ("--ram", "--flash"):
        done = edgebottle("build", "--out", "kept", budget, "4000", cwd=workspace)
        assert done.code == 1 and re.search("too much|leaves nothing", done.err)
        assert files_of(workspace / "kept") == before


def test_measure_and_report(workspace: Path) -> None:
    line = ("measure", "--inputs", "samples.npz", "--records", "r/records.jsonl")
    text = clean(edgebottle(*line, cwd=workspace))
    assert "accuracy" in text and "6 of 6 samples" in text
    assert "exact, one run" in text and "modelled" in text and "measured" not in text
    data = edgebottle(*line, "--json", "--samples", "2", "--runs", "2", cwd=workspace).json()
    assert data["match"] is True and data["exact"] is True and data["samples"] == 2
    assert data["reference"].startswith("LiteRT 2.") and "bit for bit LiteRT 2." in text
    assert data["inputs"] == "x: int8, taken as stored values"
    assert [item["recall"] for item in data["classes"]] == [1.0, 1.0]
    assert data["virtual"] is True and data["latency_kind"] == "modelled"
    keys = {"name", "op", "macs", "instructions", "output_bytes"}
    assert all(keys <= set(layer) for layer in data["layers"])
    assert 0 < sum(layer["instructions"] for layer in data["layers"]) <= data["instructions"]
    assert data["cycles_kind"] == "modelled" and data["cycles"] > data["instructions"] / 2
    assert data["latency_us"][1] == pytest.approx(data["cycles"] / data["clock_hz"] * 1e6)
    assert all(sum(x["cycle_parts"].values()) == x["cycles"] > 0 for x in data["layers"])
    assert sum(x["cycles"] for x in data["layers"]) <= data["cycles"]
    assert data["layers"][0]["ms"] == data["layers"][0]["cycles"] / data["clock_hz"] * 1000
    assert data["macs"] == sum(layer["macs"] for layer in data["layers"])
    assert (workspace / "r" / "records.jsonl").read_text().count("\n") == 2
    _report(workspace)


def _report(workspace: Path) -> None:
    text = clean(edgebottle("report", "r/records.jsonl", cwd=workspace))
    assert "Memory over time" in text and "Records" in text and text.count(f"virtual {BOARD}") == 3
    page = (workspace / "r" / "records.html").read_text(encoding="utf-8")
    assert "http" not in page and "<script" not in page and page.count("<details>") == 1
    (workspace / "r" / "records.html").unlink()
    line = ("report", "r/records.jsonl", "--html", "x/y.html", "--published", "--json")
    data = edgebottle(*line, cwd=workspace).json()
    assert data["html"] == "x/y.html" and (workspace / "x" / "y.html").is_file()
    (beside,) = data["published"]
    assert beside["results"] == [] and "no published counterpart" in beside["reason"]
    first, second = data["records"]
    assert first["instructions"] == second["instructions"]
    assert first["image_hash"] == second["image_hash"]
    assert not (workspace / "r" / "records.html").exists()


def test_measure_on_this_computer(workspace: Path) -> None:
    line = ("measure", "-b", "host", "--records", "host.jsonl")
    text = clean(edgebottle(*line, cwd=workspace))
    assert "instructions" not in text and "measured" in text and "modelled" not in text
    data = edgebottle(*line, "--json", cwd=workspace).json()
    assert data["instructions"] is None and data["match"] is True
    assert {layer["instructions"] for layer in data["layers"]} == {None}
    assert "latency" in clean(edgebottle("report", "host.jsonl", cwd=workspace))


def test_profile(workspace: Path) -> None:
    text = clean(edgebottle("profile", "--loops", "3", "--html", "p/p.html", cwd=workspace))
    assert "Hottest loops" in text and "of 1, the core's limit" in text and "exact" in text
    assert len(re.findall(r"0x[0-9a-f]+-0x[0-9a-f]+", text)) == 3
    page = (workspace / "p" / "p.html").read_text(encoding="utf-8")
    assert 'class="bars tracks"' in page and "http" not in page and "<script" not in page
    data = edgebottle("profile", "--json", cwd=workspace).json()
    line = ("measure", "--inputs", "samples.npz", "--samples", "1", "--json")
    record = edgebottle(*line, "--records", "profiled.jsonl", cwd=workspace).json()
    assert data["macs"] == record["macs"] and data["mac_limit"] == 1
    names = [layer["name"] for layer in data["layers"]]
    assert names == [layer["name"] for layer in record["layers"]]
    assert 0 < sum(layer["share"] for layer in data["layers"]) <= 1
    for layer in data["layers"]:
        spots = layer["loops"]
        assert sum(spot["instructions"] for spot in spots) == layer["instructions"]
        looped = sum(spot["instructions"] for spot in spots if spot["is_loop"])
        if "CONV" in layer["op"]:
            assert looped > 0.7 * layer["instructions"]  # the rest is in what the loops call


def test_verify(workspace: Path) -> None:
    text = clean(edgebottle("verify", "--samples", "3", cwd=workspace))
    assert f"match: LiteRT = NumPy = host C = virtual {BOARD}, to the last bit, 3 samples" in text
    data = edgebottle("verify", "-b", "host", "--samples", "1", "--json", cwd=workspace).json()
    assert data["match"] is True and data["exact"] is True and data["difference"] is None
    assert data["implementations"] == ["LiteRT", "NumPy", "host C"]
    assert {"bytes", "arena", "stack", "static"} <= set(data["ram"])
    assert {"weights", "code"} <= set(data["flash"]) and data["macs"] > 0


def test_demo(tmp_path: Path) -> None:
    text = clean(installed("demo", cwd=tmp_path))
    assert "accuracy" in text and "60 of 60 samples" in text and "bit for bit LiteRT" in text
    assert str(tmp_path / "edgebottle-out" / "demo.html") in text
    assert sorted(files_of(tmp_path)) == ["edgebottle-out/demo.html", "edgebottle-out/demo.jsonl"]


def test_doctor(tmp_path: Path) -> None:
    text = clean(edgebottle("doctor", cwd=tmp_path))
    assert "PlatformIO" in text and "zig" in text and "MISSING" not in text
    env = environment(PATH=str(tmp_path))
    data = installed("doctor", "--json", cwd=tmp_path, env=env).json()
    checks = {check["name"]: check for check in data["checks"]}
    assert data["ok"] is True
    assert not checks["gcc for Arm"]["ok"] and checks["gcc for Arm"]["remedy"]


def test_doctor_finds_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = environment(EDGEBOTTLE_CACHE=str(tmp_path / "file" / "cache"))
    done = edgebottle("doctor", cwd=tmp_path, env=env)
    assert done.code == 3 and "MISSING" in done.out and "Traceback" not in done.err


def test_init_writes_what_build_reads(tmp_path: Path) -> None:
    from edgebottle.config import load_config, template

    name = "odd 'name\"\\ü.tflite"
    (tmp_path / name).write_bytes(DIGITS.read_bytes())
    data = edgebottle("init", name, "-b", "longan_nano", "--json", cwd=tmp_path).json()
    assert data == {
        "config": str(tmp_path / "edgebottle.toml"),
        "model": name,
        "board": "longan_nano",
    }
    config = load_config(tmp_path)
    assert config.model == str(tmp_path / name) and config.board == "longan_nano"
    text = template("m", "b").replace("# ram", "ram").replace("# flash", "flash")
    (tmp_path / "edgebottle.toml").write_text(text)
    config = load_config(tmp_path)
    assert (config.ram_budget, config.flash_budget) == (64 * 1024, 256 * 1024)


def test_zoo(tmp_path: Path) -> None:
    assert "digits" in clean(edgebottle("zoo", "list", cwd=tmp_path))
    data = edgebottle("zoo", "list", "--json", cwd=tmp_path).json()
    assert "digits" in [network["name"] for network in data["networks"]]
