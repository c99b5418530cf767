"""The process that works for a board: what its failures mean, and what ends it."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.bench import worker_process
from edgebottle.bench.jobs_file import DEADLINES, Job
from edgebottle.bench.worker import outcome_of
from edgebottle.bench.worker_process import StepFailure, Stopped, WorkerProcess
from edgebottle.drivers import Faulted
from edgebottle.errors import (
    BoardError,
    BuildFailed,
    DoesNotFit,
    EdgebottleError,
    Mismatch,
    ToolMissing,
)
from hil.link import LinkClosed
from hil.probes import ProbeChoice
from hil.protocol import Garbled, Refused, Silent
from tests.waiting import has_ended, wait_until


def because(error: EdgebottleError, cause: EdgebottleError) -> EdgebottleError:
    error.__cause__ = cause
    return error


# at which step, what fails, what that makes of the job
ROWS = [
    ("build", DoesNotFit("x"), "error"),
    ("build", BuildFailed("x"), "error"),
    ("flash", ToolMissing("no programmer"), "error"),
    ("port", BoardError("busy"), "broken"),
    ("flash", BoardError("locked"), "broken"),
    ("boot", Silent("x"), "broken"),
    ("boot", Faulted("hard fault at start"), "failed"),
    ("run", BoardError("the board reset"), "failed"),
    ("run", Refused("x"), "failed"),
    ("run", Faulted("x"), "failed"),
    ("run", because(Faulted("fault"), LinkClosed("x")), "failed"),  # its line closed as it died
    ("run", LinkClosed("x"), "broken"),
    ("run", because(BoardError("said with more words"), LinkClosed("x")), "broken"),
    ("run", because(BoardError("said with more words"), Garbled("x")), "broken"),
    ("check", Mismatch("x"), "failed"),
    ("check", BoardError("the virtual board that judges it"), "error"),
]


@pytest.mark.parametrize(("step", "error", "outcome"), ROWS)
def test_what_failures_mean(step: str, error: EdgebottleError, outcome: str) -> None:
    assert outcome_of(step, error) == outcome


DIGITS = Job("digits", "digits", "microbit", samples=1)


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def worker(stop: threading.Event) -> Iterator[WorkerProcess]:
    found = WorkerProcess({**DEADLINES, "boot": 0.001}, stop)
    yield found
    found.close()


def pid_of(worker: WorkerProcess) -> int:
    assert worker._process is not None
    return worker._process.pid


def test_what_ends_it(worker: WorkerProcess, stop: threading.Event) -> None:
    """A job that cannot be built, a step that is late, and a process that is killed."""
    said: list[str] = []
    missing = replace(DIGITS, path="no-such")
    failure = worker.prepare(missing, "microbit", said.append)
    assert failure is not None and (failure.step, failure.outcome) == ("build", "error")
    assert "there is no file no-such" in failure.cause and said == ["build", "build"]
    first = pid_of(worker)
    assert worker.prepare(DIGITS, "microbit", said.append) is None
    assert pid_of(worker) == first
    late = worker.measure(None, ProbeChoice(), said.append)
    assert late == StepFailure("boot", "broken", "boot did not end in 0.001 s")
    assert has_ended(first)
    assert worker.prepare(DIGITS, "microbit", said.append) is None  # in another process
    os.kill(pid_of(worker), signal.SIGKILL)
    wait_until(lambda: has_ended(pid_of(worker)), "the process is gone")
    assert worker.prepare(missing, "microbit", said.append) == failure  # and again
    stop.set()
    with pytest.raises(Stopped):
        worker.prepare(DIGITS, "microbit", said.append)


def test_a_process_does_not_get_old(worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "JOBS_PER_PROCESS", 2)
    processes = []
    for number in range(5):
        worker.prepare(replace(DIGITS, path=f"no-such-{number}"), "microbit", lambda words: None)
        processes.append(pid_of(worker))
    first, second, third, fourth, fifth = processes
    assert first == second != third == fourth != fifth
    assert has_ended(first) and has_ended(third)


def test_what_it_said_last(worker: WorkerProcess) -> None:
    """Of a process that dies while it works."""

    def kill(step: str) -> None:
        if worker._process is not None:
            os.kill(pid_of(worker), signal.SIGSEGV)

    failure = worker.prepare(DIGITS, "microbit", kill)
    assert failure is not None and failure.outcome == "error"
    assert failure.cause == "the process that does build ended: killed by SIGSEGV"


def test_what_failed_is_not_lost_in_recovery(
    worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board whose line is closed at once, and whose probe then hangs."""
    tool = tmp_path / "openocd"
    tool.write_text('#!/bin/sh\ncase "$*" in *program*) ;; *) exec sleep 60 ;; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    worker._deadlines = {**DEADLINES, "recover": 2.0}
    assert worker.prepare(DIGITS, "microbit", lambda words: None) is None
    said: list[str] = []
    with hanging_up() as url:
        choice = ProbeChoice("openocd", "P1")
        ended = worker.measure(url, choice, said.append)
    assert isinstance(ended, StepFailure) and said[-1] == "recover"
    assert (ended.step, ended.outcome) == ("boot", "broken")
    assert "the connection to the board was closed" in ended.cause
    assert [(one.step, one.saw) for one in ended.steps] == [
        ("recover", "recover did not end in 2 s")
    ]


@contextmanager
def hanging_up() -> Iterator[str]:
    """Somebody who closes each connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
