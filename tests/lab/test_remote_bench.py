"""Boards of another computer, over the system's ssh and an sshd of our own on the loopback."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from edgebottle import __version__
from edgebottle.bench import remote_work
from edgebottle.bench.checking import Finding
from edgebottle.bench.remote_folder import RemoteJob
from edgebottle.build.cache import cache_dir
from hil.bench.board_lock import BoardLock
from hil.bench.entries import read_bench
from hil.bench.sealed import sealed
from hil.bench.ssh import PROTOCOL
from hil.records import read as read_records
from tests.cli.command_line import SCRIPT, Result, edgebottle, environment
from tests.conftest import long
from tests.lab.desk import DOUBLE, Desk
from tests.lab.tcp_proxy import TcpProxy, free_port
from tests.ssh_server import SshServer
from tests.waiting import has_ended, wait_until

MEASURE = ("measure", "digits", "--samples", "1", "--records", "r.jsonl", "--json")


@pytest.fixture
def proxy(server: SshServer) -> Iterator[TcpProxy]:
    """A line to the server that can be disturbed."""
    with TcpProxy(server.port) as found:
        server.write_known(server.port, found.port)
        yield found


def write_bench(folder: Path, server: SshServer, there: Desk, port: int | None = None) -> None:
    said = server.section(port=port, path=there.folder, bench=there.folder / "bench.toml")
    (folder / "bench.toml").write_text(f"version = 1\n{said}")


def write_jobs(folder: Path, boards: str = '"lab/one"', samples: str = "1", more: str = "") -> None:
    (folder / "jobs.toml").write_text(
        f'version = 1\n[[job]]\nmodels = ["digits"]\nboards = [{boards}]\nsamples = [{samples}]\n'
        f"{more}"
    )


def results(done: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.out)["results"]
    return found


def records_in(folder: Path) -> list[str]:
    """The host of each record of a run."""
    path = folder / "edgebottle-out" / "bench" / "records.jsonl"
    return [record.host for record in read_records(path).records]


def jobs_there() -> set[Path]:
    """The folders of jobs that the host has not forgotten."""
    return set((cache_dir() / "bench" / "remote" / "jobs").iterdir())


@pytest.mark.usefixtures("own_bench")
def test_the_whole_way(tmp_path: Path, server: SshServer, there: Desk) -> None:
    write_bench(tmp_path, server, there)
    listed = edgebottle("bench", "list", "--json", cwd=tmp_path).json()
    names = {one["name"]: (one["board"], one["state"]) for one in listed["boards"]}
    assert names == dict.fromkeys(("lab/one", "lab/two", "lab/double"), ("microbit", "free"))
    assert listed["hosts"][0]["error"] is None

    done = edgebottle("bench", "check", "lab/one", "--power", "--json", cwd=tmp_path)
    parts = [(one["part"], one["is_good"]) for one in json.loads(done.out)["boards"]["lab/one"]]
    assert ("power cycle", True) in parts and done.code == 0 and "lab/two" not in done.out
    assert there.boards["one"].heard == ["off", "on", "reset"]  # nothing has been flashed yet

    record = edgebottle(*MEASURE, "-b", "lab/one", cwd=tmp_path).json()
    assert record["host"] == "lab" and record["latency_kind"] == "emulated"
    assert there.boards["one"].heard == ["off", "on", "reset", "flash"]
    assert read_records(tmp_path / "r.jsonl").records[0].host == "lab"

    write_jobs(tmp_path, '"lab/two", "lab/double"')
    done = edgebottle("bench", "run", "--json", cwd=tmp_path)
    assert sorted((one["entry"], one["outcome"]) for one in results(done)) == [
        ("lab/double", "passed"),
        ("lab/two", "passed"),
    ]
    assert records_in(tmp_path) == ["lab", "lab"] and done.code == 0
    assert jobs_there() == set()


@pytest.mark.usefixtures("own_bench")
def test_a_job_that_is_just_ending_is_forgotten() -> None:
    """Whoever did it holds its lock for a moment after its result is there."""
    doing, done = RemoteJob("0123456789abcdef"), RemoteJob("0123456789abcdef")
    assert doing.try_take()
    ending = threading.Timer(0.5, doing.let_go)
    ending.start()
    done.forget()
    assert jobs_there() == set() and not ending.is_alive()


def test_any_board_of_a_kind_may_be_of_another_computer(
    tmp_path: Path, server: SshServer, there: Desk
) -> None:
    write_bench(tmp_path, server, there)
    write_jobs(tmp_path, '"microbit"', "1, 2")
    (tmp_path / "bench.toml").open("a").write(DOUBLE.replace("double", "here"))
    done = edgebottle("bench", "run", "--json", cwd=tmp_path)
    assert [one["outcome"] for one in results(done)] == ["passed"] * 2
    hosts = {"lab" if one["entry"].startswith("lab/") else "" for one in results(done)}
    assert set(records_in(tmp_path)) == hosts


def test_the_lock_there_holds(tmp_path: Path, server: SshServer, there: Desk) -> None:
    write_bench(tmp_path, server, there)
    lock = BoardLock(read_bench(there.folder / "bench.toml").entry("one"))
    assert lock.try_take()
    lock.tell("somebody's work")
    with subprocess.Popen(
        [str(SCRIPT), "bench", "watch"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stdout is not None
        lines = iter(watch.stdout.readline, "")
        assert "in use: somebody's work" in next(x for x in lines if x.startswith("lab/one: "))
        with subprocess.Popen(
            [str(SCRIPT), *MEASURE, "-b", "lab/one", "--verbose"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as measure:
            assert measure.stderr is not None
            assert any("waits for the board" in line for line in measure.stderr)
            assert there.boards["one"].heard == []
            lock.let_go()
            assert any("digits auto: " in x for x in lines if x.startswith("lab/one: "))
            out, _ = measure.communicate()
        watch.kill()
    assert json.loads(out)["host"] == "lab" and measure.returncode == 0


OTHER_VERSION = sealed({"edgebottle": "0.0.9", "protocol": PROTOCOL}).strip().replace('"', '\\"')

# host, file of boards there, what is said
REFUSALS = [
    ({"key": "stranger"}, None, r"lets nobody in with the keys that are here: `ssh-copy-id ssh://"),
    ({"edgebottle": "/nowhere/edgebottle"}, None, r"there is no edgebottle that .* starts .*insta"),
    ({"edgebottle": "edgebotle"}, None, r"no edgebottle that `edgebotle` starts .*not found"),
    (
        {"edgebottle": f"echo '{OTHER_VERSION}'; exit;"},
        None,
        rf"has edgebottle 0.0.9, and.*{__version__}",
    ),
    ({"edgebottle": "echo 'No such command' >&2; exit 2;"}, None, "has an older edgebottle than"),
    # What it says comes last: the shell that starts it may have words of its own.
    ({"edgebottle": "echo hello >&2; exit 7;"}, None, "ended with exit code 7: hello"),
    ({}, "nowhere.toml", r"lab: cannot read .*nowhere.toml: No such file"),
    ({}, "jobs.toml", r"lab: .*jobs.toml: unknown key 'job'"),
]


@pytest.mark.parametrize(("said", "bench", "message"), REFUSALS)
def test_a_host_that_is_set_up_wrongly(
    tmp_path: Path, server: SshServer, said: dict[str, str], bench: str | None, message: str
) -> None:
    write_jobs(tmp_path)
    path = None if bench is None else tmp_path / bench
    section = server.section(**said, bench=path)  # type: ignore[arg-type]
    (tmp_path / "bench.toml").write_text(f"version = 1\n{section}{DOUBLE}")
    listed = edgebottle("bench", "list", "--json", cwd=tmp_path).json()
    error = listed["hosts"][0]["error"]
    assert re.search(message, error), error
    assert [one["state"] for one in listed["boards"]] == ["free"]  # the others are not held up


def test_every_command_says_it(tmp_path: Path, server: SshServer) -> None:
    write_jobs(tmp_path)
    (tmp_path / "bench.toml").write_text(f"version = 1\n{server.section(key='stranger')}")
    listed = edgebottle("bench", "list", "--json", cwd=tmp_path).json()
    error = listed["hosts"][0]["error"]
    for words in (("bench", "run"), (*MEASURE, "-b", "lab/one")):
        done = edgebottle(*words, cwd=tmp_path)
        assert done.code in (1, 3) and done.err == f"Error: {error}\n"
    done = edgebottle("bench", "check", "--json", cwd=tmp_path)
    (finding,) = json.loads(done.out)["boards"]["lab"]
    assert done.code == 3 and finding == {**asdict(Finding("host", False, error)), "steps": []}


def test_keys_of_hosts(tmp_path: Path, server: SshServer) -> None:
    def said() -> str:
        (tmp_path / "bench.toml").write_text(f"version = 1\n{server.section()}")
        listed = edgebottle("bench", "list", "--json", cwd=tmp_path).json()
        return str(listed["hosts"][0]["error"])

    known = server.folder / "known"
    before = known.read_text()
    known.write_text("")
    assert "its host key is not known here: connect once with `ssh ssh://" in said()
    kind, key, *_ = (server.folder / "stranger.pub").read_text().split()
    known.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    assert "its host key is another than the last time" in said()
    known.write_text(before)


def test_nobody_there_and_nobody_of_that_name(tmp_path: Path, server: SshServer) -> None:
    (tmp_path / "bench.toml").write_text(f"version = 1\n{server.section(port=free_port())}")
    done = edgebottle("bench", "list", cwd=tmp_path)
    assert done.code == 0 and "lab/?" in done.out and "no SSH server listens" in done.out
    (tmp_path / "bench.toml").write_text(
        'version = 1\n[host.lab]\naddress = "ssh://nobody.invalid"\n'
    )
    done = edgebottle(*MEASURE, "-b", "lab/one", cwd=tmp_path)
    assert done.code == 3 and "lab (ssh://nobody.invalid) cannot be reached: " in done.err


def test_a_greeting_does_no_harm(tmp_path: Path, server: SshServer, there: Desk) -> None:
    """Of a shell that prints something in front of everything."""
    write_bench(tmp_path, server, there)
    path = tmp_path / "bench.toml"
    path.write_text(path.read_text().replace('"env ', '"echo Welcome to the lab; env '))
    done = edgebottle("bench", "list", "--json", cwd=tmp_path).json()
    assert len(done["boards"]) == 3


def test_what_cannot_be_had_there(tmp_path: Path, server: SshServer, there: Desk) -> None:
    write_bench(tmp_path, server, there)
    done = edgebottle(*MEASURE, "-b", "lab/double", "--energy", cwd=tmp_path)
    assert done.code == 1 and "nothing measures the energy of double" in done.err
    done = edgebottle(*MEASURE, "-b", "lab/oen", cwd=tmp_path)
    assert done.code == 1 and "did you mean 'lab/one'" in done.err
    line = ("bench", "mlperf", "digits", "--task", "ic01", "-b", "lab/one")
    done = edgebottle(*line, cwd=tmp_path)
    assert done.code == 1 and "run this command there" in done.err


class Cuts:
    """Cuts a line at one piece after the other, of one connection after the other."""

    def __init__(self, proxy: TcpProxy, pieces: tuple[int, ...], *, garble: bool) -> None:
        self._proxy, self._left, self._garble = proxy, list(pieces), garble
        self._seen, self._connection = 0, 0

    def __call__(self, data: bytes) -> bytes:
        if self._proxy.connections != self._connection:
            self._connection, self._seen = self._proxy.connections, 0
        self._seen += 1
        if not self._left or self._seen < self._left[0]:
            return data
        del self._left[0]
        self._seen = 0
        if self._garble:
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]
        self._proxy.cut()
        return data

    @property
    def has_ended(self) -> bool:
        return not self._left


# in which piece that comes from the host, of each of the first connections
EARLY, LATE = (1, 4, 7, 9), (8, 10, 11, 12)
CUTS = [(EARLY, False), (LATE, True), long(EARLY, True), long(LATE, False)]


@pytest.mark.parametrize(("pieces", "garble"), CUTS, ids=str)
def test_a_link_that_breaks(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    server: SshServer,
    there: Desk,
    proxy: TcpProxy,
    pieces: tuple[int, ...],
    garble: bool,
) -> None:
    """The job goes on there, is done once, and its record comes once."""
    monkeypatch.setattr(remote_work, "AGAIN_SECONDS", 0.2)
    write_bench(tmp_path, server, there, proxy.port)
    write_jobs(tmp_path)
    edgebottle("bench", "list", cwd=tmp_path)  # its boards are known from now on
    proxy.spoil = cuts = Cuts(proxy, pieces, garble=garble)
    done = edgebottle("bench", "run", "--json", cwd=tmp_path)
    assert [one["outcome"] for one in results(done)] == ["passed"], done.out
    assert cuts.has_ended and there.boards["one"].heard == ["flash"]
    assert records_in(tmp_path) == ["lab"]


def test_a_link_that_is_slow_and_then_dead(
    tmp_path: Path, server: SshServer, there: Desk, proxy: TcpProxy
) -> None:
    """Nobody hangs up, and nothing comes any more: ssh notices, and connects again."""
    write_bench(tmp_path, server, there, proxy.port)
    proxy.is_slow = True
    with subprocess.Popen(
        [str(SCRIPT), *MEASURE, "-b", "lab/one", "--verbose"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as measure:
        assert measure.stderr is not None
        assert any(" build" in line for line in measure.stderr)
        proxy.is_stopped = True
        assert any("tries again" in line for line in measure.stderr)
        proxy.cut()
        proxy.is_stopped, proxy.is_slow = False, False
        out, _ = measure.communicate()
    assert json.loads(out)["host"] == "lab" and there.boards["one"].heard == ["flash"]


def test_a_host_that_goes_away_for_good(
    tmp_path: Path, server: SshServer, there: Desk, proxy: TcpProxy
) -> None:
    """The cause is named within the deadline, the next board is not held up."""
    write_bench(tmp_path, server, there, proxy.port)
    (tmp_path / "bench.toml").open("a").write(DOUBLE.replace("double", "here"))
    write_jobs(tmp_path, '"lab/one", "here"', more="[deadlines]\nlink = 0.5\n")
    edgebottle("bench", "list", cwd=tmp_path)
    proxy.is_open = False
    done = edgebottle("bench", "run", "--json", cwd=tmp_path)
    found = {one["entry"]: one for one in results(done)}
    assert done.code == 3 and found["here"]["outcome"] == "passed"
    lost = found["lab/one"]
    assert (lost["outcome"], lost["step"]) == ("broken", "link")
    assert "cannot be reached" in lost["cause"] and "did not change in 0.5 s" in lost["cause"]
    assert records_in(tmp_path) == [""] and there.boards["one"].heard == []
    states = {
        one["name"]: one["state"]
        for one in edgebottle("bench", "list", "--json", cwd=tmp_path).json()["boards"]
    }
    assert states["lab/one"].startswith("absent: lab (ssh://") and states["here"] == "free"


def started(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([str(SCRIPT), "bench", "run", "--quiet"], cwd=folder, env=environment())


def test_a_run_that_is_killed_here_goes_on_there(
    tmp_path: Path, server: SshServer, there: Desk
) -> None:
    write_bench(tmp_path, server, there)
    write_jobs(tmp_path, samples="20, 1")
    with started(tmp_path) as run:
        wait_until(lambda: there.boards["one"].heard, "the board is flashed")
        run.kill()
    done = edgebottle("bench", "run", "--json", cwd=tmp_path)
    assert [one["outcome"] for one in results(done)] == ["passed", "passed"]
    assert there.boards["one"].heard == ["flash", "flash"]  # each job once
    assert records_in(tmp_path) == ["lab", "lab"]


def test_a_run_that_is_interrupted_here_stops_there(
    tmp_path: Path, server: SshServer, there: Desk
) -> None:
    write_bench(tmp_path, server, there)
    write_jobs(tmp_path, samples="2000")
    lock = BoardLock(read_bench(there.folder / "bench.toml").entry("one"))
    with started(tmp_path) as run:
        wait_until(lambda: there.boards["one"].heard, "the board is flashed")
        run.send_signal(signal.SIGINT)
        assert run.wait() == 130
    wait_until(lambda: lock.holder() is None, "the board is given back")
    write_jobs(tmp_path)
    done = edgebottle("bench", "run", "--json", cwd=tmp_path)
    assert [one["outcome"] for one in results(done)] == ["passed"]


def test_a_process_there_that_is_killed_is_started_anew(
    tmp_path: Path, server: SshServer, there: Desk
) -> None:
    write_bench(tmp_path, server, there)
    write_jobs(tmp_path, samples="20")
    lock = BoardLock(read_bench(there.folder / "bench.toml").entry("one"))
    with started(tmp_path) as run:
        wait_until(lambda: there.boards["one"].heard, "the board is flashed")
        found = re.search(r"process (\d+)", lock.holder() or "")
        assert found is not None
        os.kill(int(found[1]), signal.SIGKILL)
        wait_until(lambda: has_ended(int(found[1])), "it is gone")
        assert run.wait() == 0
    assert there.boards["one"].heard == ["flash", "flash"]
    assert records_in(tmp_path) == ["lab"]


def test_names_of_jobs() -> None:
    """What comes from another computer is no path."""
    from edgebottle.errors import BadInput

    for name in ("../../x", "", "ABCDEF0123456789", "a" * 65):
        with pytest.raises(BadInput, match="no name of a job"):
            RemoteJob(name)
