"""Boards behind ser2net and pyserial's server, over a line that is cut, slowed and garbled.

Of a device without DTR and RTS, as a pty is, ser2net leaves requests to set them unanswered, for
which pyserial waits in vain: ``ign_set_control`` in the URL does not wait.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from hil.bench.results import JobResult
from hil.records import read as read_records
from tests.cli.command_line import edgebottle
from tests.hil.port_server import PortServer
from tests.lab.desk import CUT, Desk, DeskBoard, first_time
from tests.lab.tcp_proxy import TcpProxy, free_port

HAS_SER2NET = shutil.which("ser2net") is not None

PYSERIAL, TCP, RFC2217 = "pyserial", "ser2net", "ser2net-rfc2217"
"""What serves a board: pyserial's rfc2217 server, or ser2net with bare bytes or with rfc2217."""

URLS = {
    PYSERIAL: "rfc2217://127.0.0.1:{}",
    TCP: "socket://127.0.0.1:{}",
    RFC2217: "rfc2217://127.0.0.1:{}?ign_set_control",
}

# what serves the board, what happens while the network runs, how the first job ends, what is said
# of it; pyserial's server with lines that are cut is in test_remote_lines.py
ROWS = [
    (PYSERIAL, "slow", "passed", ""),
    (TCP, "cut", "flaky", "the connection to the board was closed .* while running"),
    (TCP, "garbled", "flaky", "answered garbage while running the network"),
    (RFC2217, "cut", "flaky", "the connection to the board was closed .* while running"),
    (RFC2217, "garbled", "flaky", "answered garbage while running the network"),
    (RFC2217, "slow", "passed", ""),
]


@contextmanager
def served(device: str, folder: Path, kind: str) -> Iterator[int]:
    """The TCP port at which ser2net serves a device."""
    port = free_port()
    protocol = "telnet(rfc2217),tcp" if kind == RFC2217 else "tcp"
    config = folder / f"{port}.yaml"
    config.write_text(
        f"%YAML 1.1\n---\nconnection: &board\n  accepter: {protocol},127.0.0.1,{port}\n"
        f"  connector: serialdev,{device},115200n81,local\n  options:\n    kickolduser: true\n"
    )
    with subprocess.Popen(["ser2net", "-n", "-u", "-c", str(config)]) as process:
        try:
            yield port
        finally:
            process.terminate()


def disturb(board: DeskBoard, proxy: TcpProxy, how: str) -> None:
    """What the line does once the board is told to run the network, once."""

    def spoil(data: bytes) -> bytes:
        proxy.spoil = lambda following: following
        return b"\xc3\x28" + data

    def begin() -> None:
        if how == "cut":
            proxy.cut()
        elif how == "garbled":
            proxy.spoil = spoil
        else:
            proxy.is_slow = True

    board.cut = begin


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[JobResult]]:
    """Of two jobs on each board; and of each good one a record."""
    folder = tmp_path_factory.mktemp("lab")
    table = '[[job]]\nmodels = ["digits"]\nboards = ["all"]\nsamples = [1, 2]\n'
    (folder / "jobs.toml").write_text(f"version = 1\n{table}")
    rows = [row for row in ROWS if row[0] == PYSERIAL or HAS_SER2NET]
    names = [f"{kind}-{how}" for kind, how, *_ in rows]
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(folder, {name: first_time(CUT)() for name in names}))
        for (kind, how, *_), board in zip(rows, desk.boards.values(), strict=True):
            server = stack.enter_context(PortServer(board.url))
            port = int(server.url.rpartition(":")[2])
            if kind != PYSERIAL:
                port = stack.enter_context(served(server.device, folder, kind))
            proxy = stack.enter_context(TcpProxy(port))
            disturb(board, proxy, how)
            board.url = URLS[kind].format(proxy.port)
        desk.write()
        done = edgebottle("bench", "run", "--json", cwd=folder, env=desk.environment())
    found: dict[str, list[JobResult]] = {}
    for one in json.loads(done.out)["results"]:
        found.setdefault(one["entry"], []).append(JobResult.from_json(one))
    records = read_records(folder / "edgebottle-out" / "bench" / "records.jsonl").records
    assert len(records) == 2 * len(rows)
    return found


@pytest.mark.parametrize(("kind", "how", "outcome", "said"), ROWS)
def test_a_line(
    results: dict[str, list[JobResult]], kind: str, how: str, outcome: str, said: str
) -> None:
    """The cause is named, the job is tried again, and the next one runs."""
    if kind != PYSERIAL and not HAS_SER2NET:
        pytest.skip("ser2net is not installed")
    first, second = results[f"{kind}-{how}"]
    assert first.outcome == outcome, first
    if said:
        assert first.failures[0].step == "run"
        scheme = URLS[kind].partition(":")[0]
        assert re.search(f"{scheme}://.*{said}", first.failures[0].cause), first
    assert second.outcome in ("passed", "flaky"), second
