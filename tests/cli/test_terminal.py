"""Pipes, terminals and Ctrl-C."""

import builtins
import os
import re
import signal
import subprocess
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from edgebottle.__main__ import main as start
from tests.cli.command_line import (
    DIGITS,
    MARK,
    SCRIPT,
    edgebottle,
    environment,
    files_of,
    installed,
    left_running,
)
from tests.report.make_record import make_record
from tests.waiting import HANG_SECONDS, wait_until

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")


def test_a_reader_that_goes_early_is_no_failure(tmp_path: Path) -> None:
    for line in (["boards"], ["boards", "--json"], ["--help"]):
        process = subprocess.Popen(
            [str(SCRIPT), *line],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(),
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read().decode()
        process.stderr.close()
        assert (process.wait(60), err) == (0, ""), line


def test_closed_streams(tmp_path: Path) -> None:
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "{SCRIPT}" boards {closed}'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), closed


def test_an_encoding_without_box_characters(tmp_path: Path) -> None:
    env = environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    done = installed("inspect", "digits", cwd=tmp_path, env=env)
    assert (done.code, done.err) == (0, "") and done.out.isascii() and "####" in done.out


def on_terminal(*words: str, cwd: Path, err_only: bool = False, **env: str) -> tuple[str, str]:
    """Runs a command on a pseudo-terminal; returns what went there, and what went to a pipe."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(SCRIPT), *words],
        cwd=cwd,
        stdin=theirs,
        stdout=subprocess.PIPE if err_only else theirs,
        stderr=theirs,
        env=environment(**{"TERM": "xterm-256color", "COLUMNS": "100", **env}),
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    out = b""
    if process.stdout is not None:
        out = process.stdout.read()
        process.stdout.close()
    assert process.wait(60) == 0, shown
    return shown.decode(), out.decode()


def test_a_terminal_shows_progress_and_a_pipe_none(tmp_path: Path) -> None:
    line = ("measure", "digits", "-b", "microbit", "--samples", "2", "--records", "r.jsonl")
    shown, out = on_terminal(*line, cwd=tmp_path, err_only=True)
    assert "compile digits for microbit" in shown and "microbit" in shown and "2/2" in shown
    assert "\x1b" not in out and "instructions" in out and "compile" not in out
    shown, out = on_terminal(*line, "--json", cwd=tmp_path, err_only=True)
    assert shown == "" and out.startswith("{")


def test_colour_on_a_terminal_unless_it_is_not_wanted(tmp_path: Path) -> None:
    shown, _ = on_terminal("inspect", "digits", cwd=tmp_path)
    assert COLOUR.search(shown)
    styled, _ = on_terminal("boards", cwd=tmp_path)
    assert "\x1b[1m" in styled
    for unwanted in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown, _ = on_terminal("boards", cwd=tmp_path, **unwanted)
        assert "\x1b" not in shown and "microbit" in shown


TABLES = {
    "boards": ["boards"],
    "layers": ["inspect", "digits"],
    "checks": ["doctor"],
    "networks": ["zoo", "list"],
    "kernels": ["build", "digits", "-b", "host", "--explain"],
    "records": ["report", "r.jsonl"],
}


@pytest.mark.parametrize("line", TABLES.values(), ids=TABLES)
def test_tables_fit_eighty_columns(tmp_path: Path, line: list[str]) -> None:
    from hil.records import append

    for day in (1, 2):
        record = make_record(time=f"2026-03-0{day}T14:05:09+00:00", board="nucleo_h7a3zi")
        append(tmp_path / "r.jsonl", record)
    wide = edgebottle(*line, cwd=tmp_path, env=environment(COLUMNS="200")).out
    narrow = edgebottle(*line, cwd=tmp_path).out
    assert max(map(len, narrow.splitlines())) <= 80
    assert "…" not in wide + narrow
    for name in set(re.findall(r"[\w-]{12,}", wide)):  # no name is broken in two
        assert name in narrow or name[:8] not in narrow  # its column may be left out


def interrupt(words: list[str], cwd: Path, waits_for: str, **env: str) -> tuple[int, str, str]:
    """Presses Ctrl-C once a process whose command line has ``waits_for`` is at work."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [str(SCRIPT), *words],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell lets what runs in its background ignore Ctrl-C, and these tests would inherit it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=environment(**{MARK: mark}, **env),
    )

    def is_at_work() -> bool:
        assert process.poll() is None, process.communicate()
        return any(waits_for in _command(pid) for pid in left_running(mark))

    wait_until(is_at_work, f"{waits_for} runs")
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=HANG_SECONDS)
    wait_until(lambda: not left_running(mark), "all that it started has ended")
    beside = ("... ", "inputs: ")
    said = [line for line in err.splitlines() if not line.startswith(beside)]
    return process.returncode, out, "\n".join(said).strip()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@needs_proc
def test_ctrl_c_in_a_build(tmp_path: Path) -> None:
    (tmp_path / "new.tflite").write_bytes(DIGITS.read_bytes())
    name = f"n{uuid.uuid4().hex[:8]}"  # a project of its own, so that there is something to compile
    line = ["build", "new.tflite", "--name", name, "-b", "microbit", "--out", "out"]
    before = files_of(tmp_path)
    code, out, err = interrupt(line, tmp_path, "platformio run")
    assert (code, out, err) == (130, "", "interrupted")
    assert files_of(tmp_path) == before and not (tmp_path / "out").exists()


@needs_proc
def test_ctrl_c_in_a_measurement(tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", x=np.zeros((3_000, 8, 8, 1), np.int8))
    before = files_of(tmp_path)
    line = ["measure", "digits", "-b", "microbit", "--inputs", "many.npz", "--records", "r.jsonl"]
    code, out, err = interrupt(line, tmp_path, "hil.virtual")
    assert (code, out, err) == (130, "", "interrupted")
    assert files_of(tmp_path) == before


def test_ctrl_c_before_the_command_line_is_loaded(monkeypatch, capsys) -> None:
    def pressed(name: str, *rest: object) -> object:
        if name == "edgebottle.cli.main":
            raise KeyboardInterrupt
        return loads(name, *rest)

    loads = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", pressed)
    with pytest.raises(SystemExit, match="130"):
        start()
    assert capsys.readouterr().err == "interrupted\n"
