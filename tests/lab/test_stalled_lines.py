"""Boards behind ser2net and pyserial's server, over a line that stalls: nobody hangs up."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgebottle.errors import BoardError
from hil.bench.results import JobResult
from hil.exchange import Late
from hil.protocol import BoardClient
from hil.records import read as read_records
from tests.cli.command_line import edgebottle
from tests.hil.fake_board import FakeBoard
from tests.hil.port_server import PortServer
from tests.lab.desk import CUT, Desk
from tests.lab.served_ports import KINDS, PYSERIAL, RFC2217, TCP, URLS, served
from tests.lab.tcp_proxy import TcpProxy

# what serves the board, what is said of whoever comes after the stall
ROWS = [
    (PYSERIAL, "what listens there does not speak RFC 2217, or has stopped answering"),
    (TCP, "no answer in .* while waiting for the board to answer"),
    (RFC2217, "what listens there does not speak RFC 2217, or has stopped answering"),
]
FIRST = r"fell silent \(nothing for 10 s\) while running the network .*; "

# what serves the board, what is said of the job in which it stalls and of the next one
JOBS = [
    (PYSERIAL, f"{FIRST}then cannot connect to rfc2217", "^cannot connect to rfc2217://"),
    (TCP, f"{FIRST}tried to .*: a reset by openocd; it stays silent", f"{ROWS[1][1]}.*; it stays"),
    (RFC2217, f"{FIRST}then cannot connect to rfc2217", "^cannot connect to rfc2217://"),
]

SHORT = {PYSERIAL: "?timeout=3", TCP: "", RFC2217: "&timeout=3"}
"""At the end of a URL: a server that has stalled is given up before the step's time is over."""


def line_to(stack: ExitStack, kind: str, url: str, folder: Path) -> TcpProxy:
    """A line that can be disturbed, to whatever serves the board at ``url``."""
    server = stack.enter_context(PortServer(url))
    port = int(server.url.rpartition(":")[2])
    if kind != PYSERIAL:
        port = stack.enter_context(served(server.device, folder, kind))
    return stack.enter_context(TcpProxy(port))


@pytest.mark.parametrize(("kind", "then"), ROWS)
def test_whoever_waits_is_told(tmp_path: Path, kind: str, then: str) -> None:
    if kind not in KINDS:
        pytest.skip("ser2net is not installed")
    with ExitStack() as stack:
        board = stack.enter_context(FakeBoard())
        proxy = line_to(stack, kind, board.url, tmp_path)
        url = URLS[kind].format(proxy.port) + SHORT[kind]
        with BoardClient.connect(url, run_seconds=0.5) as client:
            proxy.is_stopped = True
            with pytest.raises(Late, match=r"fell silent \(nothing for 0.5 s\) while running"):
                client.infer()
        with pytest.raises(BoardError, match=then):
            BoardClient.connect(url, boot_seconds=1)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[JobResult]]:
    """Of three jobs on each board: a good one, one in which its line stalls, and one after it."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "jobs.toml").write_text(
        'version = 1\nretries = 0\ndeadlines = { run = 15 }\n[[job]]\nmodels = ["digits"]\n'
        f"boards = {json.dumps(KINDS)}\nsamples = [1, 2, 3]\n"
    )

    def plans() -> list[str | None]:
        return [None, CUT, None]

    with ExitStack() as stack:
        desk = stack.enter_context(Desk(folder, {kind: iter(plans()) for kind in KINDS}))
        for kind, board in desk.boards.items():
            proxy = line_to(stack, kind, board.url, folder)

            def stall(proxy: TcpProxy = proxy) -> None:
                proxy.is_stopped = True

            board.cut = stall
            board.url = URLS[kind].format(proxy.port) + SHORT[kind]
        desk.write()
        done = edgebottle("bench", "run", "--json", cwd=folder, env=desk.environment())
    ended = [JobResult.from_json(one) for one in json.loads(done.out)["results"]]
    records = read_records(folder / "edgebottle-out" / "bench" / "records.jsonl").records
    assert len(records) == len(KINDS)
    return {kind: [one for one in ended if one.entry == kind] for kind in KINDS}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "first", "then"), JOBS)
def test_jobs_end_with_the_cause(
    results: dict[str, list[JobResult]], kind: str, first: str, then: str
) -> None:
    """Silence even of a board that was restarted is no fault of the firmware."""
    if kind not in KINDS:
        pytest.skip("ser2net is not installed")
    good, stalled, after = results[kind]
    assert good.outcome == "passed"
    assert (stalled.outcome, stalled.step) == ("broken", "run"), stalled
    assert re.search(first, stalled.cause), stalled
    assert (after.outcome, after.step) == ("broken", "boot"), after
    assert re.search(then, after.cause), after
