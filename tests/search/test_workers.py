"""Several workers on one study: one is killed, and nothing is lost and nothing done twice."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebottle.search import evaluators
from edgebottle.search.evaluators import CalledEvaluator
from edgebottle.search.settings import read_settings
from edgebottle.search.sharing import workplace
from edgebottle.search.study import RESULT, SearchStudy
from tests.cli.command_line import SCRIPT, edgebottle, environment
from tests.search.postgres import server
from tests.search.test_search_command import begun
from tests.waiting import wait_until

pytest.importorskip("optuna")

TRIALS = 12
HELD_AT = 4
"""The question at which the first worker hangs, until it is killed."""

MODULE = f"""
import os
from pathlib import Path
from edgebottle.search.trials import network_key

asked = 0

def accuracy(candidate):
    global asked
    asked += 1
    say("begun", candidate)
    if os.environ.get("HANGS") and asked == {HELD_AT}:
        Path("hangs").touch()
        while True:
            os.sched_yield()
    blocks = candidate.architecture.blocks
    say("done", candidate)
    return 0.5 + sum(block.channels for block in blocks) / 1000

def say(what, candidate):
    with open("log", "a") as log:
        log.write(what + " " + network_key(candidate) + " " + str(os.getpid()) + "\\n")
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with server() as running:
        yield running.address


@pytest.fixture(params=["journal", "PostgreSQL"])
def storage(request: pytest.FixtureRequest) -> str:
    if request.param == "journal":
        return "search.journal"
    return str(request.getfixturevalue("database"))


def worker(folder: Path, **changes: str) -> subprocess.Popen[bytes]:
    command = [str(SCRIPT), "search", "run", "--worker"]
    return subprocess.Popen(command, cwd=folder, env=environment(**changes))


def said(folder: Path, what: str) -> list[str]:
    """The networks of which the evaluator said so."""
    path = folder / "log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split()[1] for line in lines if line.startswith(what)]


def test_a_killed_worker_leaves_its_trial_to_another(folder: Path, storage: str) -> None:
    (folder / "candidates_of_mine.py").write_text(MODULE)
    path = begun(
        folder,
        **{
            '"search.journal"': f'"{storage}"',
            "trials = 200": f"trials = {TRIALS}",
            "stages = 4": "stages = 2",
        },
    )
    first = worker(folder, HANGS="1")
    wait_until(lambda: (folder / "hangs").exists(), "the first worker asks nothing")
    second = worker(folder)
    wait_until(lambda: len(said(folder, "done")) == TRIALS - 1, "the second does not work")
    assert second.poll() is None, "it does not wait for the last trial, which is the first's"
    first.kill()
    first.wait()
    assert second.wait() == 0
    begun_, done = Counter(said(folder, "begun")), Counter(said(folder, "done"))
    assert len(done) == TRIALS and set(done.values()) == {1}
    assert sorted(begun_.values()) == [1] * (TRIALS - 1) + [2]
    with workplace(read_settings(path).place, "search") as place:
        trials = SearchStudy(read_settings(path), place, create=False)._study.trials
    assert [one.number for one in trials] == list(range(len(trials)))
    assert all(one.state.name == "COMPLETE" and one.user_attrs[RESULT] for one in trials)
    outcomes = Counter(one.user_attrs[RESULT]["outcome"] for one in trials)
    assert outcomes["assessed"] == TRIALS
    shown = edgebottle("search", "show", "--json", cwd=folder).json()
    assert shown["workers"] == 2 and shown["outcomes"] == dict(outcomes)


def test_a_database_that_goes_away_is_said_in_a_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a candidate is assessed; and before."""
    with server() as running:
        begun(folder, **{'"search.journal"': f'"{running.address}"'})
        stopped = CalledEvaluator("stop", lambda candidate: running.stop() or 0.5)
        monkeypatch.setattr(evaluators, "called_evaluator", lambda name: stopped)
        for _ in range(2):
            done = edgebottle("search", "run", cwd=folder)
            assert done.code == 1
            assert done.err.startswith("Error: cannot reach the storage postgresql://")
            assert done.err.count("\n") == 1
