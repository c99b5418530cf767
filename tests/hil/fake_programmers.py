"""Programmers that log what they were asked and answer as the real ones do."""

import json
import stat
import sys
from pathlib import Path

import pytest

from hil import flash as flashing

PORT = "/dev/ttyACM0"
IMAGE = b"\x00\x01\x02image"
HEX = b":00000001FF"
CONTENTS = {"firmware.elf": b"ELF", "firmware.bin": IMAGE, "firmware.hex": HEX}
HLA = "-f interface/stlink.cfg -c 'transport select hla_swd'"
NO_STLINK = "2026-11-29T09:47:40 WARN usb.c: Couldn't find any ST-Link devices"


@pytest.fixture(name="tools")
def tools_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds nothing but fakes, and an ELF file that needs no parsing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    files = {".bin": IMAGE, ".hex": HEX}
    monkeypatch.setattr(flashing, "flash_files", lambda path, board: files)
    return folder


def install(tools: Path, name: str, body: str = "") -> Path:
    """A programmer that logs its arguments, one JSON list a call, and checks the files of them."""
    log = tools / f"{name}.log"
    script = tools / name
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, os, re, sys\n"
        "words = []\n"
        "for word in sys.argv[1:]:\n"
        "    path = re.search(r'[^ {]*/(firmware[.][a-z]+)', word)\n"
        "    if path:\n"
        f"        assert open(path[0], 'rb').read() == {CONTENTS!r}[path[1]], path[0]\n"
        "        word = word.replace(path[0], path[1])\n"
        "    words.append(word)\n"
        f"with open({str(log)!r}, 'a') as log:\n"
        "    print(json.dumps(words), file=log)\n"
        f"{body}\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return log


def calls(log: Path) -> list[str]:
    """The command lines that were logged, quoted where an argument has a space."""
    lines = log.read_text().splitlines() if log.exists() else []
    words = [json.loads(line) for line in lines]
    return [" ".join(repr(w) if " " in w else w for w in line) for line in words]


def says(code: int, text: str, stream: str = "stderr") -> str:
    """The body of a programmer that ends so."""
    return f"print({text!r}, file=sys.{stream}); sys.exit({code})"


@pytest.fixture(name="elf")
def elf_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"ELF")
    return path
