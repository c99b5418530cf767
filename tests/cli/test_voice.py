"""What every command takes, how much it says, what shells are told, and bytes as people write."""

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgebottle import __version__
from edgebottle.cli.main import cli
from edgebottle.config import MAX_COUNT, parse_bytes
from edgebottle.errors import BadInput
from tests.cli.command_line import edgebottle, environment


def run(line: str) -> Result:
    return CliRunner().invoke(cli, line.split())


@pytest.mark.parametrize(
    "line", ["--version", "build --version", "zoo --version", "zoo list --version"]
)
def test_version(line: str) -> None:
    done = run(line)
    assert (done.exit_code, done.stdout) == (0, f"edgebottle, version {__version__}\n")


BUILD = "build -b host --out o"
SAID = "model: digits"
STEP = r"\[ *\d+\.\d s\] "


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (BUILD, [f"{SAID} .*"]),
        (f"{BUILD} -q", []),
        (f"-q {BUILD}", []),
        (f"{BUILD} --json", []),
        (f"{BUILD} --verbose", [f"{SAID} .*", f"{STEP}import", f"{STEP}compile digits for host"]),
        (f"-v {BUILD} --json", [f"{STEP}import", f"{STEP}compile digits for host"]),
    ],
)
def test_how_much_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(line)
    said = [text for text in done.stderr.splitlines() if not text.startswith("... ")]
    assert done.exit_code == 0 and len(said) == len(expected), said
    for text, pattern in zip(said, expected, strict=True):
        assert re.fullmatch(pattern, text)
    assert done.stdout.startswith("{" if "--json" in line else "digits on host")


def test_a_pipe_hears_now_and_then_what_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgebottle.cli import voice

    monkeypatch.setattr(voice, "FIRST_LINE_S", 0.01)
    said = ""
    with voice.progress_bar() as progress:
        progress("compile", 0, 0)
        progress("run", 3, 9)
        while said.count("\n") < 2:
            time.sleep(0.01)
            said += capsys.readouterr().err
    assert re.match(r"\.\.\. run, 3 of 9, 0 s\n", said)


@pytest.mark.parametrize(
    ("words", "number", "expected"),
    [
        ("edgebottle me", 1, {"measure"}),
        ("edgebottle build --board micro", 3, {"microbit"}),
        ("edgebottle build --opt", 2, {"--optimize"}),
        ("edgebottle build --schedule min-", 3, {"min-ram", "min-time"}),
        ("edgebottle inspect dig", 2, {"digits", "digits_w2a2", "dig"}),
        ("edgebottle zoo train fa", 3, {"fashion"}),
    ],
)
def test_shells_complete(tmp_path: Path, words: str, number: int, expected: set[str]) -> None:
    env = environment(
        _EDGEBOTTLE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(number)
    )
    done = edgebottle(cwd=tmp_path, env=env)
    assert (done.code, done.err) == (0, "")
    assert {line.split(",", 1)[1] for line in done.out.splitlines()} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("65536", 65536),
        ("64k", 65536),
        ("64K", 65536),
        ("64kB", 65536),
        ("64KiB", 65536),
        ("64 kB", 65536),
        (" 64.0 kb ", 65536),
        ("12.5kB", 12800),
        ("0.3k", 307),
        ("0.5 MB", 524288),
        ("1M", 1048576),
        ("2MiB", 2097152),
        ("512 B", 512),
        ("12,345 bytes", 12345),
        ("1,024k", 1048576),
        ("1 byte", 1),
    ],
)
def test_bytes_as_people_write_them(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


NO_BYTES = (
    *(
        "",
        "0",
        "0.0k",
        "-1",
        "+1",
        "k",
        "B",
        "64x",
        "64kk",
        "64 k B",
        "1,2",
        "1,23k",
        "1e3",
        "0x40",
    ),
    *("0.0001", "nan", "64\n1", "٣", "1.5.2k", "9" * 99, f"{MAX_COUNT}", "12.5 G"),
)


@pytest.mark.parametrize("text", NO_BYTES)
def test_what_is_no_number_of_bytes(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a number of bytes such as 65536, 64k, 12\.5kB"):
        parse_bytes(text)
