"""Boards behind ser2net and pyserial's server, over a line that is cut, slowed and garbled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from hil.bench.results import JobResult
from hil.records import read as read_records
from tests.cli.command_line import edgebottle
from tests.hil.port_server import PortServer
from tests.lab.desk import CUT, Desk, DeskBoard, each_time
from tests.lab.served_ports import KINDS, PYSERIAL, RFC2217, TCP, URLS, served
from tests.lab.tcp_proxy import TcpProxy

CLOSED = "the connection to the board was closed .* while running"
GARBAGE = "answered garbage while running the network"

# what serves the board, what happens while the network runs, how the job ends, what is said of it;
# to each board it happens in this order, in one job after the other
ROWS = [
    (PYSERIAL, "cut", "flaky", CLOSED),
    (PYSERIAL, "garbled", "flaky", GARBAGE),
    (PYSERIAL, "dribble", "failed", "fell silent .* while reading the outputs"),
    (PYSERIAL, "slow", "passed", ""),
    (TCP, "cut", "flaky", CLOSED),
    (TCP, "garbled", "flaky", GARBAGE),
    (TCP, "slow", "passed", ""),
    (RFC2217, "cut", "flaky", CLOSED),
    (RFC2217, "garbled", "flaky", GARBAGE),
    (RFC2217, "slow", "passed", ""),
]


def disturb(board: DeskBoard, proxy: TcpProxy, happens: Sequence[str]) -> None:
    """What the line does each time the board is told to run the network, of a job's first time."""
    left = iter([how for how in happens if how != "dribble"])

    def spoil(data: bytes) -> bytes:
        proxy.spoil = lambda following: following
        return b"\xc3\x28" + data

    def begin() -> None:
        how = next(left)
        if how == "cut":
            proxy.cut()
        elif how == "garbled":
            proxy.spoil = spoil
        else:
            proxy.is_slow = True

    board.cut = begin


def plan(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str | None]:
    """What each flashing brings: what is flaky is flashed again, and goes well."""
    for _, how, outcome, _ in rows:
        yield "dribble" if how == "dribble" else CUT
        if outcome == "flaky":
            yield None
    yield from each_time(None)()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], JobResult]:
    """Of a job for each row; and of each good one there is a record."""
    folder = tmp_path_factory.mktemp("lab")
    rows = {kind: [row for row in ROWS if row[0] == kind] for kind in KINDS}
    text = "version = 1\n"
    for kind in KINDS:
        samples = list(range(1, len(rows[kind]) + 1))
        text += f'[[job]]\nmodels = ["digits"]\nboards = ["{kind}"]\nsamples = {samples}\n'
    (folder / "jobs.toml").write_text(text)
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(folder, {kind: plan(rows[kind]) for kind in KINDS}))
        for kind, board in desk.boards.items():
            server = stack.enter_context(PortServer(board.url))
            port = int(server.url.rpartition(":")[2])
            if kind != PYSERIAL:
                port = stack.enter_context(served(server.device, folder, kind))
            proxy = stack.enter_context(TcpProxy(port))
            disturb(board, proxy, [how for _, how, *_ in rows[kind]])
            board.url = URLS[kind].format(proxy.port)
        desk.write()
        done = edgebottle("bench", "run", "--json", cwd=folder, env=desk.environment())
    found: dict[tuple[str, str], JobResult] = {}
    ended = [JobResult.from_json(one) for one in json.loads(done.out)["results"]]
    for kind in KINDS:
        own = [result for result in ended if result.entry == kind]
        for (_, how, *_), result in zip(rows[kind], own, strict=True):
            found[kind, how] = result
    records = read_records(folder / "edgebottle-out" / "bench" / "records.jsonl").records
    assert len(records) == sum(result.outcome in ("passed", "flaky") for result in ended)
    return found


@pytest.mark.parametrize(("kind", "how", "outcome", "said"), ROWS)
def test_a_line(
    results: dict[tuple[str, str], JobResult], kind: str, how: str, outcome: str, said: str
) -> None:
    """The cause is named; what was the line's fault is tried again, and the next job runs."""
    if kind not in KINDS:
        pytest.skip("ser2net is not installed")
    result = results[kind, how]
    assert result.outcome == outcome, result
    if said:
        scheme = URLS[kind].partition(":")[0]
        failure = result if outcome == "failed" else result.failures[0]
        assert failure.step == "run", failure
        assert re.search(f"{scheme}://.*{said}", failure.cause), failure
