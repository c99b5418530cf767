"""Boards behind pyserial's rfc2217 server, over a line that is cut, slowed and garbled."""

import json
import re
from contextlib import ExitStack

import pytest

from hil.bench.results import JobResult
from tests.cli.command_line import edgebottle
from tests.hil.port_server import PortServer
from tests.lab.desk import CUT, Desk, first_time

# what happens at the first flashing, how the job ends, at which step, what is said
ROWS = [
    (CUT, "flaky", "run", "rfc2217://.*: the connection to the board was closed .* while running"),
    ("garbage", "flaky", "run", "rfc2217://.*answered garbage while running the network"),
    ("dribble", "failed", "run", "rfc2217://.*fell silent .* while reading the outputs"),
    ("wrong-image", "flaky", "boot", "runs another image"),
    ("wrong-result", "failed", "check", "differs on sample 0"),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[JobResult]]:
    """Of two jobs on each board."""
    folder = tmp_path_factory.mktemp("lab")
    table = '[[job]]\nmodels = ["digits"]\nboards = ["all"]\nsamples = [1, 2]\n'
    (folder / "jobs.toml").write_text(f"version = 1\n{table}")
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(folder, {row[0]: first_time(row[0])() for row in ROWS}))
        for board in desk.boards.values():
            server = stack.enter_context(PortServer(board.url))
            board.url, board.cut = server.url, server.cut
        desk.write()
        done = edgebottle("bench", "run", "--json", cwd=folder, env=desk.environment())
    found: dict[str, list[JobResult]] = {}
    for one in json.loads(done.out)["results"]:
        found.setdefault(one["entry"], []).append(JobResult.from_json(one))
    return found


@pytest.mark.parametrize(("fault", "outcome", "step", "said"), ROWS)
def test_a_fault(
    results: dict[str, list[JobResult]], fault: str, outcome: str, step: str, said: str
) -> None:
    first, second = results[fault]
    assert first.outcome == outcome, first
    failure = first if outcome == "failed" else first.failures[0]
    assert failure.step == step and re.search(said, failure.cause), failure
    assert second.outcome == ("passed" if outcome == "failed" else "flaky")
