"""Runs the command line as a user does: its entry point, here or in a process of its own."""

import io
import json
import os
import subprocess
import sys
import sysconfig
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from edgebottle.cli.main import main

SCRIPT = Path(sysconfig.get_path("scripts")) / "edgebottle"
DEADLINE_S = 600.0
DIGITS = Path(__file__).resolve().parents[2] / "edgebottle" / "zoo" / "digits.tflite"
MARK = "EDGEBOTTLE_TEST_MARK"
"""Environment variable by which the processes that a command left behind are found."""


@dataclass(frozen=True)
class Result:
    """What a command left behind; ``err`` without the lines that say what takes so long."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        assert self.code == 0, self.err
        data = json.loads(self.out)
        assert isinstance(data, dict)
        return data


def environment(**changes: str | None) -> dict[str, str]:
    """The environment, without what changes how a terminal is written to."""
    drop = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TTY_COMPATIBLE"}
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    for name, value in changes.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = value
    return kept


def edgebottle(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Result:
    """Runs a command to its end in this process, which has loaded already what it needs."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with ExitStack() as stack:
        stack.enter_context(chdir(cwd))
        stack.enter_context(patch.dict(os.environ, env or environment(), clear=True))
        stack.enter_context(patch.object(sys, "argv", ["edgebottle", *map(str, words)]))
        stack.enter_context(patch.object(sys, "stdin", None))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return _result(code, *(_written(stream) for stream in (out, err)))


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def installed(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Result:
    """Runs the installed script in a process of its own, where that is what is tested."""
    done = subprocess.run(
        [str(SCRIPT), *map(str, words)],
        cwd=cwd,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return _result(done.returncode, done.stdout, done.stderr)


def _result(code: int, out: bytes, err: bytes) -> Result:
    lines = err.decode().splitlines(keepends=True)
    said = "".join(line for line in lines if not line.startswith("... "))
    return Result(code, out.decode(), said)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, hidden ones included, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def left_running(mark: str) -> list[int]:
    """Processes that were started, at any depth, with ``MARK`` set to ``mark``."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z" and wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except (OSError, IndexError):
                continue
    return found
